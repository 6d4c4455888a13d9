"""The launcher: both parts up, a banner to begin with, and nothing left behind however it ends."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from tests.processes import FreshDatabase, Process, eventually

LAUNCHER = [sys.executable, "-m", "config.run"]
HELLO = "Hello World from Cloud Tasks"


def free_ports(count):
    """Return ports that nothing listens on right now; the launcher takes them by number."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture
def environment(tmp_path):
    web, grpc, http = free_ports(3)
    with FreshDatabase("DATABASE_URL") as one, FreshDatabase("EMULATOR_DATABASE_URL") as other:
        yield {
            "VAR_DIR": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PORT": web,
            "EMULATOR_PORT": grpc,
            "EMULATOR_HTTP_PORT": http,
            **one.environment,
            **other.environment,
        }


def members(group):
    """Return the ids of the processes of a group that are not yet gone."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.add(int(stat.parent.name))
    return found


def started(environment, command=LAUNCHER):
    launcher = Process(command, **environment)
    launcher.wait_for_line("Stop +Ctrl-C")
    return launcher


def test_it_starts_everything_and_says_how_to_begin(environment, tmp_path):
    with started(environment) as launcher:
        password = (tmp_path / "admin-password").read_text()
        assert len(password) >= 12
        for line in (
            f"Open +http://localhost:{environment['PORT']}",
            f"Log in +admin / {password} ",
            f"Emulator +gRPC 127.0.0.1:{environment['EMULATOR_PORT']}, "
            f"HTTP http://127.0.0.1:{environment['EMULATOR_HTTP_PORT']}",
        ):
            launcher.wait_for_line(line, 1)
        tried = launcher.wait_for_line(r"Try +(.* manage.py enqueue .*)", 1)
        # As in another shell, which knows nothing of what this run was given.
        with Process(["env", "-i", "sh", "-c", tried[1]]) as enqueue:
            assert enqueue.wait() == 0, enqueue.output
            queue = "projects/demo/locations/us-central1/queues/default"
            assert enqueue.output.startswith(f"{queue}/tasks/")
        launcher.wait_for_line(f"^Event Display received event: {HELLO}$")
        assert len(members(launcher.pid)) >= 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_with_exit_code_0(environment, number):
    with started(environment) as launcher:
        assert launcher.stop(number) == 0, launcher.output
        assert members(launcher.pid) == set()
        assert "Traceback" not in launcher.output


def test_ctrl_c_reaches_the_whole_group_and_ends_everything(environment):
    with started(environment) as launcher:
        os.killpg(launcher.pid, signal.SIGINT)
        assert launcher.wait() == 0, launcher.output
        assert members(launcher.pid) == set()
        assert "Traceback" not in launcher.output


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a parent's death")
@pytest.mark.parametrize("command", [LAUNCHER, ["make", "run"]])
def test_kill_9_leaves_nothing_running(environment, command):
    with started(environment, command) as launcher:
        assert launcher.stop(signal.SIGKILL) == -signal.SIGKILL
        eventually(lambda: members(launcher.pid) == set())


@pytest.mark.parametrize("part", ["runemulator", "gunicorn"])
def test_when_one_part_ends_the_other_is_stopped(environment, part):
    with started(environment) as launcher:
        command = {
            pid: Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            for pid in members(launcher.pid) - {launcher.pid}
        }
        victim = min(pid for pid, words in command.items() if part in " ".join(words))
        os.kill(victim, signal.SIGKILL)
        assert launcher.wait() == 1, launcher.output
        eventually(lambda: members(launcher.pid) == set())


@pytest.mark.parametrize("variable", ["PORT", "EMULATOR_PORT", "EMULATOR_HTTP_PORT"])
def test_a_taken_port_is_one_sentence(environment, variable):
    port = int(environment[variable])
    with socket.create_server(("127.0.0.1", port)), Process(LAUNCHER, **environment) as launcher:
        assert launcher.wait() == 1
        assert launcher.lines == [
            f"Port {port} is taken by another program. Stop that, or choose another port: "
            f"{variable}={port + 10} make run"
        ]


def test_a_second_start_is_quick_and_keeps_the_password(environment, tmp_path):
    with started(environment) as launcher:
        launcher.stop()
    password = (tmp_path / "admin-password").read_text()
    began = time.monotonic()
    with started(environment) as launcher:
        assert time.monotonic() - began < 15
        launcher.wait_for_line(f"Log in +admin / {password} ", 1)


def test_a_given_password_is_named_not_printed(environment, tmp_path):
    given = {"DJANGO_SUPERUSER_USERNAME": "ada", "DJANGO_SUPERUSER_PASSWORD": "a-given-one"}
    with started(environment | given) as launcher:
        launcher.wait_for_line("Log in +ada, with the password in DJANGO_SUPERUSER_PASSWORD", 1)
        assert "a-given-one" not in launcher.output
        assert not (tmp_path / "admin-password").exists()


def test_without_an_endpoint_it_starts_no_emulator(environment):
    with started(environment | {"CLOUD_TASKS_ENDPOINT": ""}) as launcher:
        launcher.wait_for_line("Tasks +Google Cloud Tasks", 1)
        words = [Path(f"/proc/{pid}/cmdline").read_text() for pid in members(launcher.pid)]
        assert not any("runemulator" in word for word in words)


def test_two_parts_on_one_port_are_one_sentence(environment):
    environment["EMULATOR_PORT"] = environment["PORT"]
    with Process(LAUNCHER, **environment) as launcher:
        assert launcher.wait() == 1
        assert launcher.lines == [
            f"PORT and EMULATOR_PORT are both {environment['PORT']}: give each a port of its own."
        ]


def test_a_var_dir_that_cannot_be_made_is_one_sentence(environment, tmp_path):
    (tmp_path / "file").touch()
    environment["VAR_DIR"] = str(tmp_path / "file" / "var")
    with Process(LAUNCHER, **environment) as launcher:
        assert launcher.wait() == 1
        assert "Traceback" not in launcher.output
        assert "Not a directory" in launcher.output


def test_a_user_who_was_there_can_log_in_with_a_given_password(environment):
    from tests.stack import PREPARE

    program = PREPARE + "; from django.contrib.auth.models import User; "
    made = program + "User.objects.create_user('ada', '', 'x')"
    shown = program + "ada = User.objects.get(username='ada'); "
    shown += "print(ada.is_staff, ada.is_superuser, ada.check_password('a-given-one'))"
    given = {"DJANGO_SUPERUSER_USERNAME": "ada", "DJANGO_SUPERUSER_PASSWORD": "a-given-one"}
    for code, variables in ((made, {}), (shown, given)):
        with Process([sys.executable, "-c", code], **environment | variables) as process:
            assert process.wait() == 0, process.output
    assert process.output == "True True True"
