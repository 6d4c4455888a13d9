"""`make run`: prepares the laptop, then runs web and emulator until one of them ends.

Both inherit stdout and stderr and die with this process, even when it is killed hard.
"""

import ctypes
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
GIVEN = ("PORT", "VAR_DIR", "DATABASE_URL", "EMULATOR_PORT", "RECEIVER_URL", "CLOUD_TASKS_ENDPOINT")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
START_SECONDS = 60
STOP_SECONDS = 12


def die_with_parent() -> None:
    """Ask Linux for SIGTERM when the parent dies; elsewhere there is no such call to make."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def spawn(*arguments: str) -> subprocess.Popen:
    """Start one child that cannot outlive this process."""
    parent = os.getpid()

    def before_exec() -> None:
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the call above

    command = [sys.executable, *arguments]
    return subprocess.Popen(command, preexec_fn=before_exec)  # noqa: PLW1509


def taken(host: str, port: int) -> bool:
    """Say whether another program listens on the port; a browser asks `localhost` on ::1 first."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    try:
        with socket.create_connection(("::1", port), timeout=1):
            return True
    except OSError:
        return False


def complaint(wanted: dict[str, tuple[str, int]]) -> str:
    """Return one sentence on the first port that cannot be had, or an empty string."""
    seen: dict[int, str] = {}
    for variable, (host, port) in wanted.items():
        if port in seen:
            return f"{seen[port]} and {variable} are both {port}: give each a port of its own."
        seen[port] = variable
        if taken(host, port):
            other = port + 10 if port + 10 <= 65535 else port - 10
            return (
                f"Port {port} is taken by another program. Stop that, or choose another port: "
                f"{variable}={other} make run"
            )
    return ""


def answers(port: int) -> bool:
    """Say whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def stop(children: list[subprocess.Popen]) -> None:
    """End every child, first asking, then not."""
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def watch(children: list[subprocess.Popen], ports: list[int], banner: str) -> int:
    """Print the banner once every port answers; return 0 when told to stop, 1 on a child's end."""
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    up, deadline = False, time.monotonic() + START_SECONDS
    while all(child.poll() is None for child in children):
        if told.wait(0.5 if up else 0.05):
            return 0
        if not up and all(answers(port) for port in ports):
            print(banner, flush=True)
            up = True
        if not up and time.monotonic() > deadline:
            print(f"Not up after {START_SECONDS} seconds: giving up.", file=sys.stderr)
            return 1
    return 1


def wanted_ports() -> dict[str, tuple[str, int]]:
    """Return variable -> (host, port) of everything this run listens on."""
    from django.conf import settings

    wanted = {"PORT": ("127.0.0.1", settings.PORT)}
    local = {f"{host}:{settings.EMULATOR_PORT}" for host in LOOPBACK}
    if settings.CLOUD_TASKS_ENDPOINT in local:  # else tasks go to Google, or to another emulator
        host = settings.EMULATOR_HOST
        wanted["EMULATOR_PORT"] = (host, settings.EMULATOR_PORT)
        wanted["EMULATOR_HTTP_PORT"] = (host, settings.EMULATOR_HTTP_PORT)
    return wanted


def banner(log_in: str, with_emulator: bool) -> str:
    """Return what a person needs to begin."""
    from django.conf import settings

    # What this run was given on its command line, another shell has to be given too.
    given = [f"{name}={shlex.quote(os.environ[name])} " for name in GIVEN if os.environ.get(name)]
    python = "".join(given) + os.path.relpath(sys.executable)
    lines = [
        f"Open      http://localhost:{settings.PORT}",
        f"Log in    {log_in}",
        f"Emulator  gRPC 127.0.0.1:{settings.EMULATOR_PORT}, "
        f"HTTP http://127.0.0.1:{settings.EMULATOR_HTTP_PORT}"
        if with_emulator
        else f"Tasks     {settings.CLOUD_TASKS_ENDPOINT or 'Google Cloud Tasks'}",
        f"Try       {python} manage.py enqueue --url {settings.RECEIVER_URL} "
        '--body-content "Hello World from Cloud Tasks"',
        "Stop      Ctrl-C",
    ]
    return "\n" + "\n".join(f"  {line}" for line in lines) + "\n"


def start(children: list[subprocess.Popen], with_emulator: bool) -> None:
    """Start web and, where tasks stay here, the emulator."""
    from django.conf import settings

    gunicorn = ["-m", "gunicorn", "-c", "config/gunicorn.py", "config.asgi"]
    mine = ["--bind", f"127.0.0.1:{settings.PORT}", "--env", "PREPARED=1"]
    children.append(spawn(*gunicorn, *mine))
    if with_emulator:
        children.append(spawn("manage.py", "runemulator", "--queue", settings.CLOUD_TASKS_QUEUE))


def main() -> int:
    """Run until told to stop or until one part ends; returns the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError

    try:
        django.setup()
        wanted = wanted_ports()
        if sentence := complaint(wanted):
            return refuse(sentence)
        from config.prepare import prepare

        text = banner(prepare()[0], "EMULATOR_PORT" in wanted)
    except (ImproperlyConfigured, OperationalError, OSError) as error:
        return refuse(str(error).strip())
    children: list[subprocess.Popen] = []
    try:
        start(children, "EMULATOR_PORT" in wanted)
        return watch(children, [port for _, port in wanted.values()], text)
    finally:
        stop(children)


def refuse(sentence: str) -> int:
    """Say why there is no start; returns the exit code."""
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    if "--with-parent" in sys.argv[1:]:
        die_with_parent()
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # before there were children to stop
        sys.exit(130)
