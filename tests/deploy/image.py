"""Builds the image with the workplace's tool and runs it: no container engine is needed."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.processes import ROOT, Process, eventually

TOOL = ROOT.parent / "shared" / "tools" / "build-image"
BASE, BUILT = "docker.io/library/python:3.13-slim", "localhost/app:test"
BUILDAH = ["buildah", "--storage-driver", "vfs"]
RUN = ["run", "--isolation", "chroot", "--network", "host"]


def need_the_tool() -> None:
    """Skip where the image cannot be built, or where another run of the suite builds it."""
    if not TOOL.is_file():
        pytest.skip(f"THE IMAGE IS NOT BUILT: there is no {TOOL}")
    if os.geteuid() != 0:
        pytest.skip("THE IMAGE IS NOT BUILT: only root may")
    if os.environ.get("DATABASE_URL"):
        pytest.skip("the image is built once, in the suite's run on SQLite")


def buildah(*words: str) -> str:
    """Return what buildah prints; fails the test with it where it does not succeed."""
    done = subprocess.run([*BUILDAH, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def build(log: Path) -> None:
    """Build the Dockerfile of this checkout; the tool makes its base the first time."""
    with log.open("wb") as file:
        done = subprocess.run(
            [TOOL, ROOT], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
    assert done.returncode == 0, log.read_text(errors="replace")[-5000:]


def megabytes(image: str) -> float:
    """Return the size of an image unpacked, in MB."""
    listed = buildah("images", "--format", "{{.Size}}", image)
    size, unit = re.fullmatch(r"([\d.]+) ([MG])B", listed).groups()
    return float(size) * {"M": 1, "G": 1000}[unit]


def configuration() -> dict:
    """Return what the image says of itself: User, Cmd, Env, WorkingDir."""
    return json.loads(buildah("inspect", "--type", "image", BUILT))["OCIv1"]["config"]


class Container:
    """A container of the image. Its processes are this machine's too, so they can be looked at."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it to its end."""
        return subprocess.run(self._command(words, environment), capture_output=True, text=True)

    @contextmanager
    def started(self, *words: str, **environment: str) -> Iterator["Inside"]:
        """Run a command in it for as long as the block; whatever is left of it then is killed."""
        with Process(self._command(words, environment)) as outside:
            inside = Inside(outside)
            try:
                yield inside
            finally:
                inside.kill()

    def _command(self, words: tuple[str, ...], environment: dict[str, str]) -> list[str]:
        given = [f"--env={name}={value}" for name, value in environment.items()]
        return [*BUILDAH, *RUN, *given, self.name, "--", *words]


class Inside:
    """The process that a container was started for, and what it started."""

    def __init__(self, outside: Process) -> None:
        self.outside = outside
        self.pid = eventually(self._found, 30)

    def _found(self) -> int:
        """The one that buildah's last helper has become, or started."""
        assert self.outside.running, self.outside.output
        for pid in descendants(self.outside.pid):
            if words_of(pid)[0] == "buildah-chroot-exec":
                return next(iter(descendants(pid)), 0)
        return 0

    @property
    def command(self) -> list[str]:
        return words_of(self.pid)

    @property
    def user(self) -> int:
        return Path(f"/proc/{self.pid}").stat().st_uid

    @property
    def cpu_seconds(self) -> float:
        """User and system time of the process and of all that it started."""
        ticks = 0
        for pid in (self.pid, *descendants(self.pid)):
            with suppress(FileNotFoundError):  # it has ended, and its parent counts it
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(map(int, fields[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def terminate(self) -> int:
        """Send SIGTERM to it alone, as Cloud Run does; return the exit code that buildah saw."""
        os.kill(self.pid, 15)
        return self.outside.wait()

    def kill(self) -> None:
        for pid in (self.pid, *descendants(self.pid)):
            with suppress(ProcessLookupError):
                if self.outside.running:
                    os.kill(pid, 9)


def words_of(pid: int) -> list[str]:
    """Return the command line of a process; [""] where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return [""]


def descendants(pid: int) -> list[int]:
    """Return every process below this one, parents first; any thread may have started one."""
    found = []
    for thread in Path("/proc").glob(f"{pid}/task/*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            for child in map(int, thread.read_text().split()):
                found += [child, *descendants(child)]
    return found


@contextmanager
def container() -> Iterator[Container]:
    """A container of the built image, removed in the end."""
    name = buildah("from", "--pull-never", BUILT)
    try:
        yield Container(name)
    finally:
        buildah("rm", name)
