"""Real processes for tests: started in a group of their own, read by a thread, ended by id."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60


def eventually(check: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Return what `check` returns once it is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (result := check()):
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.01)
    return result


class Process:
    """A started command whose output (stdout and stderr) is kept, line by line.

    `with Process([...]) as process:` ends it, and whatever it started, when the block is left.
    """

    def __init__(
        self, command: Sequence[str], *, pass_fds: Sequence[int] = (), **environment: str
    ) -> None:
        self.command = [str(part) for part in command]
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._closed = False
        self.popen = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            start_new_session=True,
            pass_fds=pass_fds,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *exc: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def output(self) -> str:
        """Everything it has printed so far."""
        with self._changed:
            return "\n".join(self.lines)

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def wait_for_line(self, pattern: str, seconds: float = START_SECONDS) -> re.Match[str]:
        """Return the match in the first line that holds `pattern`; fails the test otherwise."""
        deadline, seen = time.monotonic() + seconds, 0
        with self._changed:
            while True:
                for line in self.lines[seen:]:
                    if match := re.search(pattern, line):
                        return match
                seen = len(self.lines)
                left = deadline - time.monotonic()
                if self._closed or left <= 0:
                    break
                self._changed.wait(left)
        why = "it ended" if self._closed else f"not within {seconds:g} s"
        pytest.fail(f"{self} never printed {pattern!r} ({why}):\n{self.output}")

    def wait(self, seconds: float = 20) -> int:
        """Return the exit code; fails the test if it still runs after `seconds`."""
        try:
            code = self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{self} still runs after {seconds:g} s:\n{self.output}")
        self._reader.join(5)
        return code

    def stop(self, number: int = signal.SIGTERM, seconds: float = 20) -> int:
        """Send the process (not its group) a signal and return its exit code."""
        if self.running:
            self.popen.send_signal(number)
        return self.wait(seconds)

    def kill(self) -> None:
        """kill -9 the whole group, as a crash would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait()
        self._reader.join(5)

    def end(self) -> None:
        """Ask, then insist, for the whole group."""
        if self.running:
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(self.pid, signal.SIGTERM)
                self.popen.wait(10)
        self.kill()

    def _read(self) -> None:
        assert self.popen.stdout
        with self.popen.stdout as stdout:
            for line in stdout:
                with self._changed:
                    self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __str__(self) -> str:
        return f"process {self.pid} ({' '.join(self.command)})"


class FreshDatabase:
    """A new database on the PostgreSQL `server`, for as long as the block; else nothing.

    Without a `server` it is the one that the variable names, which the suite runs on.
    `.url` is what the process gets in its environment; "" leaves it the SQLite of its VAR_DIR.
    It begins as a copy of the database named `template`.
    """

    def __init__(
        self, variable: str, server: str | None = None, template: str = "template1"
    ) -> None:
        self.variable = variable
        self.template = template
        self._server = os.environ.get(variable, "") if server is None else server
        self.name = f"process_{uuid.uuid4().hex[:12]}"
        self.url = self._named(self.name) if self._server.startswith("postgres") else ""

    def __enter__(self) -> "FreshDatabase":
        self._administer(f'CREATE DATABASE {{}} TEMPLATE "{self.template}"')
        return self

    def __exit__(self, *exc: object) -> None:
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)")

    @property
    def environment(self) -> dict[str, str]:
        return {self.variable: self.url}

    def disconnect(self) -> None:
        """Cut every connection to the database, as a restart of its server would."""
        self._administer(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'"  # noqa: S608  a name of our own
        )

    def admit(self, allowed: bool) -> None:
        """Let nobody in any more, and out who is there; or let everybody in again."""
        self._administer(f"ALTER DATABASE {{}} ALLOW_CONNECTIONS {str(allowed).lower()}")
        if not allowed:
            self.disconnect()

    def _named(self, name: str) -> str:
        return urlunsplit(urlsplit(self._server)._replace(path=f"/{name}"))

    def _administer(self, statement: str) -> None:
        if self.url:
            with psycopg.connect(self._named("postgres"), autocommit=True) as connection:
                connection.execute(statement.format(f'"{self.name}"'))


class EmulatorProcess:
    """`manage.py runemulator` on free ports with a folder and a database of its own.

    It can be killed and started again on the same data: `start` gives new ports each time.
    """

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self.folder = folder
        self.options = options
        self.database = FreshDatabase("EMULATOR_DATABASE_URL")
        self.environment = {
            "VAR_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            **self.database.environment,
            **environment,
        }
        self.process: Process
        self.endpoint = self.http_url = ""

    def __enter__(self) -> "EmulatorProcess":
        self.database.__enter__()
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.end()
        self.database.__exit__()

    def launch(self, *options: str) -> Process:
        """Start it without waiting: for those who expect it to fail."""
        command = [sys.executable, "manage.py", "runemulator", *self.options, *options]
        return Process(command, **self.environment)

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.process = self.launch("--port", "0", "--http-port", "0")
        ready = self.process.wait_for_line(r"Emulator ready: gRPC (\S+), HTTP (\S+)")
        self.endpoint, self.http_url = ready[1], ready[2]
