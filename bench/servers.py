"""The servers that are measured: started as real processes, seen only from outside."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import grpc

from bench.first_task import free_ports
from bench.wire import DEFAULT_QUEUE, Api

START_SECONDS = 60
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Each speaks the wire API and forgets everything when it stops: the program and its options.
PEERS = {
    "gte": ("gcloud-tasks-emulator", "start --quiet --port {port} --default-queue {queue}"),
    "ken109": ("ken109-cloud-tasks-emulator", "-host 127.0.0.1 -port {port} -queue {queue}"),
    "aertje": ("aertje-cloud-tasks-emulator", "-host 127.0.0.1 -port {port} -queue {queue}"),
}


@dataclass(frozen=True)
class Contender:
    """One that can be started: `command` gets the ports of gRPC and HTTP."""

    name: str
    command: Callable[[int, int], list[str]]
    cwd: Path


def checkout(root: Path, name: str) -> Contender:
    """Return the emulator of one checkout of this project, run by its own interpreter."""
    own = root / ".venv" / "bin" / "python"
    python = str(own if own.exists() else sys.executable)

    def command(port: int, http: int) -> list[str]:
        ports = ["--port", str(port), "--http-port", str(http)]
        return [python, "manage.py", "runemulator", *ports, "--queue", DEFAULT_QUEUE]

    return Contender(name, command, root)


def peers() -> tuple[list[Contender], list[str]]:
    """Return the peers found on this machine, and a line for each that was not."""
    found, missing = [], []
    for name, (program, options) in PEERS.items():
        variable = f"BENCH_{name.upper()}"
        path = shutil.which(os.environ.get(variable, program))
        if path:
            found.append(Contender(name, partial(_command, path, options), Path.cwd()))
        else:
            missing.append(f"{name} is not measured: no {program} on PATH, nor at {variable}.")
    return found, missing


def _command(path: str, options: str, port: int, http: int) -> list[str]:
    return [path, *options.format(port=port, queue=DEFAULT_QUEUE).split()]


class Server:
    """A contender that runs until the block is left; what it keeps, it keeps in `folder`."""

    def __init__(self, contender: Contender, folder: Path) -> None:
        self.contender, self.folder = contender, folder
        self.first_answer = 0.0  # seconds from exec

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: Any) -> None:
        self.stop()

    def start(self) -> None:
        """Start it on free ports and wait for its first answer."""
        port, http = free_ports(2)
        self.endpoint = f"127.0.0.1:{port}"
        began = time.monotonic()
        self._process = self._launch(port, http)
        try:
            self._connect(port, began + START_SECONDS)
        except BaseException:
            self._kill()
            raise
        self.first_answer = time.monotonic() - began

    def stop(self) -> None:
        """Ask it to end, then insist."""
        self.api.close()
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._kill()

    def cpu(self) -> float:
        """Return the CPU seconds that the process group has used."""
        return sum(sum(map(int, fields[11:15])) for fields in self._group()) / _TICK

    def memory(self) -> float:
        """Return the resident set of the process group in MB."""
        return sum(int(fields[21]) for fields in self._group()) * _PAGE / 1e6

    def worker_memory(self) -> float:
        """Return the resident set in MB of the largest process that the first one started."""
        pid = str(self._process.pid)
        return max(int(f[21]) for f in self._group() if f[1] == pid) * _PAGE / 1e6

    def master_memory(self) -> float:
        """Return the resident set in MB of the first process, which waits for its workers."""
        fields = Path(f"/proc/{self._process.pid}/statm").read_text().split()
        return int(fields[1]) * _PAGE / 1e6

    def _launch(self, port: int, http: int) -> subprocess.Popen[bytes]:
        environment = os.environ | {"VAR_DIR": str(self.folder), "PYTHONWARNINGS": "ignore"}
        environment |= {"DJANGO_SETTINGS_MODULE": "config.settings"}
        environment.pop("EMULATOR_DATABASE_URL", None)  # a database of its own, in the folder
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(
                self.contender.command(port, http),
                cwd=self.contender.cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _group(self) -> list[list[str]]:
        """Return /proc's fields, from the state on, of every process in the group."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[2]) == self._process.pid:
                    found.append(fields)
        return found

    def _connect(self, port: int, deadline: float) -> None:
        """Wait until it answers a call."""
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            self._fail_unless(deadline)
            time.sleep(0.005)
        self.api = Api(self.endpoint)
        while True:
            with suppress(grpc.RpcError):
                return self.api.list_queues()
            self._fail_unless(deadline)

    def _fail_unless(self, deadline: float) -> None:
        if self._process.poll() is not None or time.monotonic() > deadline:
            output = (self.folder / "output").read_text(errors="replace")
            raise SystemExit(f"{self.contender.name} did not start:\n{output[-2000:]}")

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
