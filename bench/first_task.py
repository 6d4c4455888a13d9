"""Seconds from `git clone` to the first delivered task: cold pip cache, warm pip cache, second run.

Run alone: `python bench/first_task.py`. Needs only git, make and Python 3.11.
"""

import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT_SECONDS = 600
HELLO = "Hello World from Cloud Tasks"


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on right now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def first_task(clone: Path, environment: dict[str, str]) -> float:
    """Run `make run` in the clone, enqueue once it is up, and return when the event was logged."""
    began = time.monotonic()
    run = subprocess.Popen(
        ["make", "run"],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert run.stdout
        for line in run.stdout:
            if line.strip().startswith("Try"):
                enqueue = [".venv/bin/python", "manage.py", "enqueue", "--body-content", HELLO]
                url = f"http://localhost:{environment['PORT']}"
                subprocess.run([*enqueue, "--url", url], cwd=clone, env=environment, check=True)
            if line.strip() == f"Event Display received event: {HELLO}":
                return time.monotonic() - began
            if time.monotonic() - began > LIMIT_SECONDS:
                break
        raise SystemExit("The task did not arrive.")
    finally:
        os.killpg(run.pid, signal.SIGTERM)
        run.wait()


def measure(folder: Path, name: str, cache: Path) -> tuple[float, float]:
    """Clone, then time the first and the second `make run`; seconds since the clone began."""
    web, grpc, http = free_ports(3)
    environment = os.environ | {
        "PORT": str(web),
        "EMULATOR_PORT": str(grpc),
        "EMULATOR_HTTP_PORT": str(http),
        "PIP_CACHE_DIR": str(cache),
    }
    began = time.monotonic()
    clone = folder / name
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    first_task(clone, environment)
    first = time.monotonic() - began
    return first, first_task(clone, environment)


def main() -> None:
    """Print the three figures, N=1 each."""
    with tempfile.TemporaryDirectory(prefix="first-task-") as name:
        folder = Path(name)
        cold, _ = measure(folder, "cold", folder / "cache")
        warm, again = measure(folder, "warm", folder / "cache")
    print(f"clone to first task, cold pip cache: {cold:.1f} s (N=1)")
    print(f"clone to first task, warm pip cache: {warm:.1f} s, {warm / cold:.2f} of cold (N=1)")
    print(f"second make run to a delivered task: {again:.1f} s, {again / cold:.2f} of cold (N=1)")


if __name__ == "__main__":
    main()
