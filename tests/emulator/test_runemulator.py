"""The command: starting, refusing to start, stopping, and being killed at any moment."""

import json
import signal
import socket
import threading
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from google.api_core.exceptions import AlreadyExists, ServiceUnavailable

from emulator.models import Task
from emulator.options import Options
from emulator.server import Emulator
from tests.emulator.conftest import PARENT, client_of, ended
from tests.processes import EmulatorProcess, eventually

QUEUE = f"{PARENT}/queues/default"


@pytest.fixture
def own(tmp_path):
    """An emulator of the test's own, with the queue `default`."""
    with EmulatorProcess(tmp_path / "deep" / "var", "--queue", "default") as running:
        yield running


def create(client, target, name, **fields):
    """Create a task of that name whose body is its name; return its full name."""
    request = {"url": target.url, "body": name.encode()}
    task = {"name": f"{QUEUE}/tasks/{name}", "http_request": request, **fields}
    return client.create_task(parent=QUEUE, task=task).name


def test_a_kill_loses_nothing(own, target):
    client = client_of(own.endpoint)
    soon = datetime.now(UTC) + timedelta(seconds=2)
    target.script = [(200, 30)] * 3  # under way when the kill comes

    for number in range(3):
        create(client, target, f"flying-{number}")
    target.wait_for(3)
    for number in range(20):
        create(client, target, f"due-{number}", schedule_time=soon)
    for number in range(5):
        create(client, target, f"later-{number}", schedule_time=soon + timedelta(hours=1))
    create(client, target, "done")
    eventually(lambda: ended(client, f"{QUEUE}/tasks/done"))
    key = own.folder / "emulator-key.pem"
    signing = key.read_bytes()
    own.process.kill()
    own.start()
    assert key.read_bytes() == signing
    client = client_of(own.endpoint)
    got = target.wait_for(4 + 20 + 3)[4:]
    counts = {each.body.decode(): each.header("X-CloudTasks-TaskRetryCount") for each in got}
    assert counts == {f"due-{n}": "0" for n in range(20)} | {f"flying-{n}": "1" for n in range(3)}
    flying = next(each for each in got if each.body == b"flying-0")
    assert flying.header("X-CloudTasks-TaskPreviousResponse") == "504"
    eventually(lambda: len(list(client.list_tasks(parent=QUEUE))) == 5)
    with pytest.raises(AlreadyExists):
        create(client, target, "done")


def test_kills_while_tasks_are_made_lose_none_that_was_answered(own, target):
    made = []
    for _ in range(2):
        client = client_of(own.endpoint)
        for _ in range(40):
            made.append(
                client.create_task(parent=QUEUE, task={"http_request": {"url": target.url}}).name
            )
        own.process.kill()
        own.start()
    names = {name.rpartition("/")[2] for name in made}
    eventually(lambda: {got.header("X-CloudTasks-TaskName") for got in target.requests} == names)


def test_it_stops_when_told_and_lets_requests_end(own, target):
    target.otherwise = (200, 0.7)
    for count, number in enumerate([signal.SIGTERM, signal.SIGINT], 1):
        name = create(client_of(own.endpoint), target, f"t{count}")
        target.wait_for(count)
        assert own.process.stop(number) == 0
        assert len(own.process.lines) == 1  # the ready line and nothing else
        own.start()
        assert ended(client_of(own.endpoint), name)
    target.stays_at(2, 0.3)


def test_a_second_emulator_on_the_same_database_is_refused(own):
    with own.launch("--port", "0", "--http-port", "0") as second:
        assert second.wait(30) == 1
        assert len(second.lines) == 1
        assert second.lines[0].startswith("CommandError: Another emulator is using ")


@pytest.mark.parametrize("option", ["--port", "--http-port"])
def test_a_taken_port_is_one_sentence(tmp_path, option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = {"--port": "--http-port", "--http-port": "--port"}[option]
        emulator = EmulatorProcess(tmp_path)
        with emulator.database, emulator.launch(option, str(port), other, "0") as process:
            assert process.wait(30) == 1
            assert len(process.lines) == 1
            assert f"Port {port} on 127.0.0.1 cannot be opened" in process.lines[0]
            assert process.lines[0].endswith(f"Choose another port with {option}.")


def test_a_bad_queue_name_is_one_sentence(tmp_path):
    emulator = EmulatorProcess(tmp_path)
    options = ("--port", "0", "--http-port", "0", "--queue", "under_score")
    with emulator.database, emulator.launch(*options) as process:
        assert process.wait(30) == 1
        assert len(process.lines) == 1
        assert 'Queue ID "under_score" can contain only' in process.lines[0]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ({"key": "no key"}, "emulator-key.pem cannot be used"),
        ({"url": "garbage::"}, "EMULATOR_DATABASE_URL is not a database URL: "),
        ({"folder": "/proc/none"}, "VAR_DIR must name a folder to write to."),
        ({"url": "sqlite:////proc/none/x.sqlite3"}, "The emulator's database cannot be used: "),
        (
            {"url": "postgresql://nobody@127.0.0.1:9/none"},
            "The emulator's database cannot be used: ",
        ),
    ],
    ids=["key", "garbage", "folder", "sqlite", "postgresql"],
)
def test_what_it_cannot_start_with_is_one_sentence(tmp_path, spoil, sentence):
    if "key" in spoil:
        (tmp_path / "emulator-key.pem").write_text(spoil["key"])
    emulator = EmulatorProcess(tmp_path)
    if "url" in spoil:
        emulator.environment["EMULATOR_DATABASE_URL"] = spoil["url"]
    emulator.environment["VAR_DIR"] = spoil.get("folder", str(tmp_path))
    with emulator.database, emulator.launch("--port", "0", "--http-port", "0") as process:
        assert process.wait(30) == 1
        assert len(process.lines) == 1
        assert sentence in process.lines[0]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *[("--port", value) for value in ("99999", "-1", "x", "٣", "9" * 5000)],
        ("--http-port", "65536"),
        *[("--task-tombstone", value) for value in ("nan", "inf", "1e11", "-1", "x")],
        ("--queue-cooldown", "1e11"),
        ("--host", "nonsense.invalid"),
        ("--host", ""),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_at_once(option, value):
    with pytest.raises(
        CommandError, match=rf"^Error: argument {option}(/-[a-z]+)?: '.*' is no .*\.$"
    ):
        call_command("runemulator", f"{option}={value}")


def test_another_issuer_and_host(tmp_path):
    options = ["--host", "0.0.0.0", "--queue", "projects/p/locations/l/queues/q", "--queue", "r"]  # noqa: S104
    with EmulatorProcess(tmp_path, *options, OIDC_ISSUER="http://issuer.test") as running:
        assert "Warning: anyone who reaches 0.0.0.0 can send tasks." in running.process.output
        assert running.endpoint.startswith("0.0.0.0:")
        port = running.endpoint.rpartition(":")[2]
        client = client_of(f"127.0.0.1:{port}")
        assert client.get_queue(name="projects/p/locations/l/queues/q")
        assert client.get_queue(name=f"{PARENT}/queues/r")
        url = running.http_url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        with urllib.request.urlopen(f"{url}/.well-known/openid-configuration") as response:  # noqa: S310
            assert json.load(response)["issuer"] == "http://issuer.test"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])  # noqa: S104
def test_wherever_it_listens_the_issuer_is_what_the_web_admits(tmp_path, host):
    with EmulatorProcess(tmp_path, "--host", host) as running:
        port = running.http_url.rpartition(":")[2]
        url = f"http://127.0.0.1:{port}/.well-known/openid-configuration"
        with urllib.request.urlopen(url) as response:  # noqa: S310
            assert json.load(response)["issuer"] == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("host", ["::1", "::"])
def test_over_ipv6_the_issuer_is_where_it_listens(tmp_path, host):
    with EmulatorProcess(tmp_path, "--host", host) as running:
        port = running.http_url.rpartition(":")[2]
        at = {"::1": "[::1]", "::": "127.0.0.1"}[host]  # :: is both
        url = f"http://{at}:{port}"
        with urllib.request.urlopen(f"{url}/.well-known/openid-configuration") as response:  # noqa: S310
            assert json.load(response)["issuer"] == url
        with client_of(f"{at}:{running.endpoint.rpartition(':')[2]}") as client:
            assert list(client.list_queues(parent=PARENT)) == []


def test_names_rest_as_long_as_the_flags_say(tmp_path, target):
    with EmulatorProcess(tmp_path, "--task-tombstone", "0", "--queue-cooldown", "0") as running:
        client = client_of(running.endpoint)
        for _ in range(2):
            client.create_queue(parent=PARENT, queue={"name": QUEUE})
            for _ in range(2):
                task = {"name": f"{QUEUE}/tasks/t", "http_request": {"url": target.url}}
                client.create_task(parent=QUEUE, task=task)
                eventually(lambda: ended(client, f"{QUEUE}/tasks/t"))
            client.delete_queue(name=QUEUE)
        assert len(target.requests) == 4


def test_one_line_an_attempt_when_asked(emulator, queue, send, target):
    task = send(queue, target.url)
    short = "/".join(task.name.split("/")[5::2])
    line = emulator.process.wait_for_line(rf"{short} #1 POST .* -> 200 in \d+ ms, done")
    assert target.url in line.string


def test_a_lost_connection_to_the_database_is_made_anew(own, target):
    client = client_of(own.endpoint)
    target.otherwise = (200, 0.5)

    made = [create(client, target, "first")]
    target.wait_for(1)
    own.database.disconnect()  # while a request is under way; SQLite has nothing to cut
    for number in range(5):
        made.append(eventually(lambda number=number: attempt(client, target, f"t{number}")))
    for name in made:
        eventually(lambda name=name: ended(client, name))
    assert sorted({got.body for got in target.requests}) == [
        b"first",
        b"t0",
        b"t1",
        b"t2",
        b"t3",
        b"t4",
    ]


def attempt(client, target, name):
    """Create a task, or return None where the database was just then out of reach."""
    try:
        return create(client, target, name)
    except AlreadyExists:  # committed, and then the answer was lost
        return f"{QUEUE}/tasks/{name}"
    except ServiceUnavailable:
        return None


@pytest.mark.django_db(databases=["default", "emulator"], transaction=True)
def test_the_object_works_without_the_command(target, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    with Emulator(Options(queues=[QUEUE])) as emulator:
        client = client_of(emulator.endpoint)
        name = create(client, target, "t")
        eventually(lambda: ended(client, name))
        assert emulator.alive
        client.transport.close()
    assert not emulator.alive
    attempt = Task.objects.get(outcome=Task.Outcome.DONE).attempts.get()
    assert (attempt.number, attempt.status, attempt.error) == (1, 200, "")
    assert ["Content-Length", "2"] in attempt.headers
    assert bytes(attempt.body) == b"ok"
    assert attempt.duration < timedelta(seconds=5)


@pytest.mark.django_db(databases=["default", "emulator"], transaction=True)
def test_a_stop_does_not_wait_for_a_database_that_hangs(settings, tmp_path, monkeypatch):
    settings.VAR_DIR = tmp_path
    hangs, goes_on = threading.Event(), threading.Event()

    def hang(work):
        hangs.set()
        goes_on.wait(30)

    monkeypatch.setattr("emulator.upkeep.end_outlived", hang)
    emulator = Emulator(Options(queues=[QUEUE], grace=0.3))
    emulator.start()
    assert hangs.wait(10)
    (committer,) = [each for each in threading.enumerate() if each.name == "committer"]
    stopping = threading.Thread(target=emulator.stop, daemon=True)
    stopping.start()
    stopping.join(5)
    still = stopping.is_alive()
    goes_on.set()
    committer.join(10)
    assert not still
    assert not emulator.alive
