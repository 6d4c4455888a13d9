"""The pytest plugin, used as somebody else's project uses it."""

import json
import os
import re
import subprocess
import sys

import pytest

from emulator.deliveries import Deliveries, Delivery
from emulator.testing import EmulatorForTests
from tests.emulator.test_frame import README
from tests.processes import ROOT


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with EmulatorForTests(tmp_path_factory.mktemp("plugin")) as running:
        yield running


@pytest.fixture
def cloud_tasks(running):
    running.reset(queues=True)
    return running


def create(cloud_tasks, queue, url, name, **request):
    task = {"name": f"{queue}/tasks/{name}", "http_request": {"url": url, **request}}
    return cloud_tasks.client().create_task(parent=queue, task=task).name


def test_the_example_of_the_readme_passes_in_another_project(tmp_path):
    blocks = re.findall(r"<!-- example: (\S+) -->\n```python\n(.*?)```", README, re.DOTALL)
    assert {name for name, _ in blocks} == {"conftest.py", "test_reminders.py"}
    for name, code in blocks:
        (tmp_path / name).write_text(code)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO", "PYTEST"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:django", "-W", "error"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_deliveries_say_what_was_sent_and_what_came_back(cloud_tasks, target):
    target.body = b"thanks"
    queue = cloud_tasks.create_queue("orders")
    name = create(cloud_tasks, queue, target.url, "t", body=b'{"a": 1}', headers={"X-A": "b"})
    cloud_tasks.wait_idle("orders")
    got = cloud_tasks.deliveries.assert_once()
    assert (got.task, got.queue, got.attempt, got.method) == (name, queue, 1, "POST")
    assert (got.url, got.status, got.error, got.ok) == (target.url, 200, "", True)
    assert (got.json, got.headers["X-A"], got.response_body) == ({"a": 1}, "b", b"thanks")
    assert not got.duplicate
    assert cloud_tasks.deliveries.of("t") == cloud_tasks.deliveries.of(name) == [got]
    cloud_tasks.deliveries.to("/elsewhere").assert_none()


def test_held_tasks_come_in_the_order_asked_for(cloud_tasks, target):
    queue = cloud_tasks.create_queue()
    cloud_tasks.hold("default")
    for name in "abc":
        create(cloud_tasks, queue, target.url, name)
    cloud_tasks.release("default", ["b", "c", "a"])
    order = [each.task.rpartition("/")[2] for each in cloud_tasks.deliveries]
    assert order == ["b", "c", "a"]


def test_what_is_left_is_an_assertion(cloud_tasks, target):
    target.otherwise = (200, 1)
    create(cloud_tasks, cloud_tasks.create_queue(), target.url, "t")
    target.wait_for(1)
    with pytest.raises(AssertionError, match="Not idle after 0.1 s: .*default"):
        cloud_tasks.wait_idle(timeout=0.1)


def test_what_the_emulator_refuses_is_an_error(cloud_tasks):
    with pytest.raises(ValueError, match="No task waits"):
        cloud_tasks.advance_to_next()


def test_an_emulator_that_does_not_start_is_an_error(tmp_path, capfd):
    with pytest.raises(RuntimeError, match="did not start"):
        EmulatorForTests(tmp_path, "--queue", "under_score").__enter__()
    assert "under_score" in capfd.readouterr().err


FAILED = Delivery("q/tasks/t", "q", 1, "POST", "http://x/y", 503)
DONE = Delivery("q/tasks/t", "q", 2, "POST", "http://x/y", 200, body=json.dumps([1]).encode())


@pytest.mark.parametrize(
    ("deliveries", "message"),
    [
        ([], "0 deliveries, not one:$"),
        ([FAILED], r"It failed:\n  Delivery\(.*status=503"),
        ([FAILED, DONE], r"2 deliveries, not one:\n  Delivery\(.*\n  Delivery\("),
    ],
)
def test_one_delivery_is_asserted_in_words(deliveries, message):
    with pytest.raises(AssertionError, match=message):
        Deliveries(deliveries).assert_once()


def test_no_delivery_is_asserted_in_words():
    with pytest.raises(AssertionError, match="1 deliveries, not none"):
        Deliveries([DONE]).assert_none()
