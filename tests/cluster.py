"""A PostgreSQL of a test's own: it can be crashed, frozen and filled without harm to any other."""

import getpass
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote


def programs() -> Path | None:
    """Return the folder of the newest installed server, None where there is none."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4])
    )
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in found for child in path.read_text().split()]


class Cluster:
    """`with Cluster() as cluster:` has it running, on a unix socket in a temporary folder.

    Only ever signals its own postmaster and what that started.
    """

    def __init__(self, connections: int = 200) -> None:
        self.options = f"-c listen_addresses= -c max_connections={connections}"
        root = os.geteuid() == 0  # the server refuses to run as root
        self.user = "postgres" if root else getpass.getuser()
        self._prefix = ["runuser", "-u", self.user, "--"] if root else []

    def __enter__(self) -> "Cluster":
        bin_dir = programs()
        assert bin_dir, "no initdb here (Debian: apt install postgresql)"
        self._bin = bin_dir
        self._temporary = tempfile.TemporaryDirectory(prefix="pg-")
        self.folder = Path(self._temporary.name)
        if self._prefix:
            os.chown(self.folder, pwd.getpwnam(self.user).pw_uid, -1)
        self._run("initdb", "-D", self._data, "-A", "trust", "-U", self.user)
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self.running:
            self.thaw()
            self.stop()
        self._temporary.cleanup()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def running(self) -> bool:
        return (self._data / "postmaster.pid").exists()

    @property
    def pids(self) -> list[int]:
        """The postmaster and what it started."""
        first = int((self._data / "postmaster.pid").read_text().split()[0])
        return [first, *children(first)]

    def url(self, database: str) -> str:
        """Return the URL of one of its databases."""
        return f"postgresql://{self.user}@{quote(str(self.folder), safe='')}/{database}"

    def create(self, database: str) -> str:
        """Make a database; returns its URL."""
        self._run("createdb", "-h", self.folder, "-U", self.user, database)
        return self.url(database)

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self._control("-o", f"-k {self.folder} {self.options}", "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it; `immediate` is a crash: nothing is written, the next start recovers."""
        self._control("-m", mode, "stop")

    def freeze(self) -> None:
        """Let none of its processes run: connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        for pid in self.pids:
            os.kill(pid, number)

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", self._data, "-l", self.folder / "log", "-s", *arguments)

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [*self._prefix, self._bin / program, *arguments]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
