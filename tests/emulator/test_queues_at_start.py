"""Queues that the command line, the environment or a file makes at the start, and the flags."""

import json
import os
import urllib.request

import pytest

from emulator.queue_watch import LOOK_SECONDS
from tests.emulator.conftest import PARENT, client_of, ended
from tests.processes import EmulatorProcess, Process, eventually

FILE = """
queues:
  - name: mail
    rate_limits: {max_dispatches_per_second: %s}
    retry_config: {max_attempts: 4}
  - name: held
    state: PAUSED
"""


def settings(client, name):
    queue = client.get_queue(name=f"{PARENT}/queues/{name}")
    return (
        queue.state.name,
        queue.rate_limits.max_dispatches_per_second,
        queue.retry_config.max_attempts,
    )


def test_a_file_is_applied_at_the_start_and_whenever_it_changes(tmp_path):
    file = tmp_path / "queues.yaml"
    file.write_text(FILE % 5)
    options = ["--queue-file", str(file), "--queue", "bystander,max_attempts=9", "-v", "2"]
    with EmulatorProcess(tmp_path, *options) as running:
        client = client_of(running.endpoint)
        assert settings(client, "mail") == ("RUNNING", 5, 4)
        assert settings(client, "held") == ("PAUSED", 500, 100)
        assert settings(client, "bystander") == ("RUNNING", 500, 9)
        client.update_queue(queue={"name": f"{PARENT}/queues/bystander"})
        client.pause_queue(name=f"{PARENT}/queues/mail")

        file.write_text("queues:\n- name: mail\n  rate: 5/s\n")
        line = running.process.wait_for_line("The queues stay as they are: ").string
        assert line.endswith(f"{file}, line 3: rate: is no setting of a queue.")
        assert settings(client, "mail") == ("PAUSED", 5, 4)

        os.replace(_written(tmp_path / "new", FILE % 7), file)  # as editors do
        running.process.wait_for_line(r"queues\.yaml applied: 2 queues\.")
        # What the file does not name stays: the state of one queue, the whole of another.
        assert settings(client, "mail") == ("PAUSED", 7, 4)
        assert settings(client, "bystander") == ("RUNNING", 500, 100)

        file.write_text("queue:\n- name: mail\n  rate: 2/s\n  bucket_size: 3\n")
        eventually(lambda: settings(client, "mail") == ("RUNNING", 2, -1))
        mail = f"{PARENT}/queues/mail"
        assert client.get_queue(name=mail).rate_limits.max_burst_size == 3
        rate = {"max_dispatches_per_second": 1}
        updated = client.update_queue(queue={"name": mail, "rate_limits": rate})
        assert updated.rate_limits.max_burst_size == 10
    assert LOOK_SECONDS <= 1


def _written(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--queue-file", "none.yaml"], "none.yaml cannot be read: No such file or directory."),
        (["--queue-file", "bad.yaml"], "bad.yaml, line 2: rate: is no setting of a queue."),
        (["--queue", "q,x=1"], "--queue q,x=1: x: is no setting of a queue."),
        (
            ["--queue", "q,min_backoff=9s,max_backoff=1s"],
            "RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.",
        ),
        (["--app-engine-host", "a b"], "--app-engine-host takes [SERVICE=]URL, not 'a b'."),
        (["--target-ca", "none.pem"], "The certificates in none.pem cannot be read: No such file"),
        (["-openid-issuer", "http://h:x"], "--openid-issuer http://h:x: "),
    ],
)
def test_what_it_cannot_start_with_is_one_sentence(tmp_path, monkeypatch, options, sentence):
    (tmp_path / "bad.yaml").write_text("queues:\n- {name: q, rate: 5}")
    options = [str(tmp_path / each) if each.endswith(".yaml") else each for each in options]
    ports = [] if "-openid-issuer" in options else ["--http-port", "0"]
    emulator = EmulatorProcess(tmp_path, *options)
    with emulator.database, emulator.launch("--port", "0", *ports) as process:
        assert process.wait(30) == 1
        assert len(process.lines) == 1
        assert sentence in process.lines[0]


def free_port():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_changing_the_command_is_the_whole_migration(tmp_path, target):
    """The flags and variables of aertje's emulator, as its users write them."""
    port, http_port = free_port(), free_port()
    emulator = EmulatorProcess(
        tmp_path,
        INITIAL_QUEUES="projects/dev/locations/here/queues/a projects/dev/locations/here/queues/b",
        APP_ENGINE_EMULATOR_HOST=target.url,
    )
    command = [
        *["-host", "localhost", "-port", str(port), "-hard-reset-on-purge-queue"],
        *["-queue=projects/dev/locations/here/queues/c", "-queue", "mine"],
        *["-openid-issuer", f"http://localhost:{http_port}"],
    ]
    with emulator.database, emulator.launch(*command) as process:
        assert isinstance(process, Process)
        ready = process.wait_for_line(r"Emulator ready: gRPC (\S+), HTTP (\S+)")
        assert ready[1] == f"localhost:{port}"
        url = f"http://localhost:{http_port}"
        with urllib.request.urlopen(f"{url}/.well-known/openid-configuration") as answer:  # noqa: S310
            assert json.load(answer)["issuer"] == url
        client = client_of(ready[1])
        dev = "projects/dev/locations/here"
        names = [each.name for each in client.list_queues(parent=dev)]
        assert names == [f"{dev}/queues/{each}" for each in "abc"]
        assert client.get_queue(name=f"{PARENT}/queues/mine")
        task = {"name": f"{dev}/queues/a/tasks/t", "app_engine_http_request": {}}
        for count in (1, 2):
            client.create_task(parent=f"{dev}/queues/a", task=task)
            target.wait_for(count)
            eventually(lambda: ended(client, task["name"]))
            client.purge_queue(name=f"{dev}/queues/a")
