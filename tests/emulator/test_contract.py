"""The contract tests' other mode: against the queue named in CONTRACT_QUEUE.

Google is not to be had here. An emulator stands in its place, behind TLS and one address, and the
tests run as a process with that variable, so with default credentials and all they use there.
"""

import sys
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from google.cloud import tasks_v2

from tests.emulator import contract
from tests.emulator.front import Front
from tests.emulator.wires import client_of
from tests.processes import EmulatorProcess, Process

QUEUE = "projects/lent/locations/europe-west1/queues/contract"
PARENT = QUEUE.partition("/queues/")[0]
WIRES = {"v2 gRPC", "v2 REST", "v2beta3 gRPC"}


@pytest.fixture
def there(tmp_path):
    with (
        EmulatorProcess(tmp_path, "--queue", QUEUE) as emulator,
        Front(emulator, tmp_path) as front,
        client_of(emulator.endpoint) as client,
    ):
        yield SimpleNamespace(client=client, environment=front.environment, folder=tmp_path)


def run(there, *tests, queue=QUEUE, **environment):
    """Run tests of this folder in the other mode; returns the exit code, the report, the output."""
    report = there.folder / "report.xml"
    paths = [f"tests/emulator/{each}" for each in tests or ["test_task_refusals.py"]]
    options = ["-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    process = Process(
        [sys.executable, "-m", "pytest", *options, *paths],
        **there.environment,
        CONTRACT_QUEUE=queue,
        CONTRACT_CALLS_A_SECOND="1000",
        **environment,
    )
    with process:
        code = process.wait(240)
    return code, report, process.output


def results(report):
    """Yield each test's name and "passed", "failed" or why it was skipped."""
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314  our own
        told = {each.tag: each.get("message") for each in case}
        failed = "failed" if {"failure", "error"} & set(told) else "passed"
        yield case.get("name"), told.get("skipped", failed)


def test_the_contract_holds_over_every_wire_and_leaves_nothing(there):
    code, report, output = run(there, "")
    assert code == 0, output
    found = list(results(report))
    passed = {name for name, result in found if result == "passed"}
    reasons = {result for name, result in found if result != "passed"}
    for wire in WIRES:
        assert f"test_a_created_task_is_answered_with_what_the_service_adds[{wire}]" in passed
    assert not any("settings_are_kept" in name for name in passed)
    assert "it makes queues, for which CONTRACT_MAKES_QUEUES=1 asks" in reasons
    assert any(each.startswith("emulator only: it uses target") for each in reasons)
    assert all("emulator only: " in each or "CONTRACT_MAKES_QUEUES" in each for each in reasons)
    assert_left_as_it_was(there)


def assert_left_as_it_was(there):
    assert list(there.client.list_tasks(parent=QUEUE)) == []
    assert there.client.get_queue(name=QUEUE).state == tasks_v2.Queue.State.RUNNING
    assert [each.name for each in there.client.list_queues(parent=PARENT)] == [QUEUE]


def test_queues_are_made_where_that_is_asked_for_and_deleted(there):
    code, report, output = run(there, "test_queues.py", CONTRACT_MAKES_QUEUES="1")
    assert code == 0, output
    passed = {name for name, result in results(report) if result == "passed"}
    for wire in WIRES:
        assert f"test_settings_are_kept_as_given[{wire}]" in passed
        assert f"test_a_deleted_queue_is_gone_and_its_name_rests[{wire}]" in passed
    assert_left_as_it_was(there)


def test_a_queue_with_tasks_in_it_is_left_alone(there):
    task = {"http_request": {"url": "http://127.0.0.1:9/"}}
    there.client.pause_queue(name=QUEUE)
    made = there.client.create_task(parent=QUEUE, task=task)
    code, _, output = run(there)
    assert code == 2
    assert f"{QUEUE} holds tasks; the contract tests need a queue of their own." in output
    assert [each.name for each in there.client.list_tasks(parent=QUEUE)] == [made.name]
    assert there.client.get_queue(name=QUEUE).state == tasks_v2.Queue.State.PAUSED


def test_a_short_name_is_refused_in_a_sentence(there):
    code, _, output = run(there, queue="contract")
    assert code == 2
    assert "CONTRACT_QUEUE='contract' is no full name of a queue." in output


def test_missing_credentials_are_said_in_a_sentence(there):
    there.environment["GOOGLE_APPLICATION_CREDENTIALS"] = "/nowhere.json"
    code, _, output = run(there)
    assert code == 2
    assert "CONTRACT_QUEUE needs default credentials: File /nowhere.json was not found." in output


# The guard --------------------------------------------------------------------------------
@pytest.fixture
def lent(monkeypatch):
    monkeypatch.setattr(contract, "QUEUE", QUEUE)
    monkeypatch.setattr(contract, "PARENT", PARENT)
    waits = []
    return contract.Guard(clock=lambda: 100.0, sleep=waits.append), waits


def get(name=QUEUE):
    return tasks_v2.GetQueueRequest(name=name)


def test_calls_are_paced(lent):
    guard, waits = lent
    for _ in range(4):
        assert guard.call(lambda request: request.name, get()) == QUEUE
    assert waits == pytest.approx([0, 0.2, 0.4, 0.6])


@pytest.mark.parametrize(
    "request_message",
    [
        tasks_v2.CreateQueueRequest(parent=PARENT, queue={"name": f"{PARENT}/queues/q"}),
        tasks_v2.UpdateQueueRequest(queue={"name": f"{PARENT}/queues/q"}),
        tasks_v2.DeleteQueueRequest(name=f"{PARENT}/queues/q"),
        tasks_v2.UpdateCmekConfigRequest(cmek_config={"name": f"{PARENT}/cmekConfig"}),
        get("projects/elsewhere/locations/europe-west1/queues/q"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_what_was_not_allowed_is_not_called(lent, request_message):
    guard, _ = lent
    with pytest.raises(pytest.skip.Exception):
        guard.call(pytest.fail, request_message)


@pytest.mark.parametrize(
    "request_message",
    [tasks_v2.UpdateQueueRequest(queue={"name": QUEUE}), tasks_v2.DeleteQueueRequest(name=QUEUE)],
    ids=lambda message: type(message).__name__,
)
def test_the_queue_that_was_lent_is_never_changed(lent, request_message, monkeypatch):
    monkeypatch.setattr(contract, "MAKES_QUEUES", True)
    guard, _ = lent
    with pytest.raises(AssertionError, match="of the queue that was lent"):
        guard.call(pytest.fail, request_message)
