"""Tasks and attempts over HTTP, for people and for pages."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration

from emulator import control, shown
from emulator.claims import claim_due
from emulator.models import Attempt
from emulator.reports import Report
from emulator.sender import Answer
from emulator.work import Work
from tests.emulator.conftest import NOW, ended
from tests.emulator.control import Asker
from tests.processes import eventually

HOUR = timedelta(hours=1)


@pytest.fixture
def ask(emulator):
    return Asker(emulator.http_url)


def test_a_task_and_its_attempts_are_shown_whole(ask, client, make_queue, send, target):
    queue = make_queue(retry_config={"min_backoff": Duration(nanos=1_000_000)})
    target.script, target.body = [503], b"\x00busy\xff" + b"x" * 100_000
    target.headers = {"X-Why": "busy"}
    account = {"service_account_email": "a@b.c"}
    secret = {"Cookie": "session=1", "X-A": "b", "proxy-authorization": "Basic eDp5"}
    name = send(queue, target.url, body=b"\xfesent", headers=secret, oidc_token=account).name
    eventually(lambda: ended(client, name))
    status, answer = ask.get("tasks", queue=queue)
    assert (status, answer["before"]) == (200, None)
    (task,) = answer["tasks"]
    assert {key: task[key] for key in ("name", "queue", "state", "method", "url")} == {
        "name": name,
        "queue": queue,
        "state": "done",
        "method": "POST",
        "url": target.url,
    }
    assert (task["dispatch_count"], task["execution_count"]) == (2, 1)
    assert datetime.fromisoformat(task["ended_at"]).tzinfo is not None
    status, answer = ask.get("tasks/attempts", name=name)
    second, first = answer["attempts"]
    assert (first["number"], first["status"], first["error"]) == (1, 503, "")
    assert (second["number"], second["status"], second["task"]) == (2, 200, name)
    request, response = first["request"], first["response"]
    assert (request["method"], request["url"]) == ("POST", target.url)
    headers = dict(request["headers"])
    assert headers["X-CloudTasks-TaskRetryCount"] == "0"
    assert headers["X-A"] == "b"
    assert headers["Authorization"] == "Bearer [masked]"
    assert headers["Cookie"] == "[masked]"
    assert headers["proxy-authorization"] == "Basic [masked]"
    assert base64.b64decode(request["body_base64"]) == b"\xfesent"
    assert base64.b64decode(response["body_base64"]) == target.body[:65536]
    assert response["body_text"].startswith("\x00busy\\xffxxx")
    assert ["X-Why", "busy"] in response["headers"]
    assert first["dispatch_time"] <= first["ended_at"] <= second["dispatch_time"]


def test_lists_go_page_by_page(ask, queue, send, target):
    later = datetime.now(UTC) + HOUR
    names = [send(queue, target.url, schedule_time=later).name for _ in range(5)]
    got, query = [], {"queue": queue, "limit": 2}
    while True:
        page = ask.get("tasks", **query)[1]
        got += [task["name"] for task in page["tasks"]]
        if page["before"] is None:
            break
        query["before"] = page["before"]
    assert got == names[::-1]


def test_a_request_without_an_answer_says_why(ask, client, make_queue, send):
    queue = make_queue(retry_config={"max_attempts": 1})
    name = send(queue, "http://127.0.0.1:9/x").name
    eventually(lambda: ended(client, name))
    (attempt,) = ask.get("tasks/attempts", queue=queue)[1]["attempts"]
    assert (attempt["status"], attempt["error"]) == (None, "Could not connect: Connection refused.")
    assert attempt["request"]["url"] == "http://127.0.0.1:9/x"


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("tasks", {"state": "odd"}, 400),
        ("tasks", {"limit": "0"}, 400),
        ("tasks", {"limit": "1001"}, 400),
        ("tasks", {"before": "x"}, 400),
        ("tasks", {"before": str(10**30)}, 400),
        ("tasks", {"queue": "projects/p/locations/l/queues/none"}, 404),
        ("tasks/attempts", {"name": "short"}, 400),
        ("tasks/attempts", {"name": "projects/p/locations/l/queues/none/tasks/t"}, 404),
    ],
)
def test_a_bad_question_is_refused(ask, path, query, status):
    got, answer = ask.get(path, **query)
    assert (got, answer["error"]["code"]) == (status, status)


@pytest.mark.django_db(databases=["default", "emulator"])
def test_every_state_is_a_filter(stored_queue, store_task):
    store_task("retrying", dispatch_count=1, due=NOW + HOUR)
    store_task("waiting", due=NOW + HOUR)
    store_task("running")
    claim_due(Work(NOW), queue_pk=stored_queue.pk, allow=lambda queue: 1)
    for outcome in ("done", "gave up", "deleted", "purged"):
        store_task(outcome, outcome=outcome, ended_at=NOW)
    for state in ("retrying", "waiting", "running", "done", "gave up", "deleted", "purged"):
        answer = shown.tasks(Work(NOW), queue="", state=state, limit=9, before=None)
        assert [task["state"] for task in answer["tasks"]] == [state]
        assert answer["tasks"][0]["name"].endswith(f"/{state}")
    for state, count in (("live", 3), ("ended", 4), ("", 7)):
        answer = shown.tasks(Work(NOW), queue="", state=state, limit=9, before=None)
        assert len(answer["tasks"]) == count


@pytest.mark.django_db(databases=["default", "emulator"])
def test_the_depths_of_queues(stored_queue, store_task):
    store_task("due", due=NOW - HOUR)
    store_task("later", due=NOW + HOUR)
    store_task("done", outcome="done", ended_at=NOW)
    assert shown.depths(Work(NOW)) == [(stored_queue.name, 2, 1, 3600.0)]


@pytest.mark.django_db(databases=["default", "emulator"])
def test_a_duplicate_changes_nothing(stored_queue, store_task):
    task = store_task("t")
    (order,) = claim_due(Work(NOW), queue_pk=stored_queue.pk, allow=lambda queue: 1).orders
    Report(order, Answer(500))(Work(NOW))
    task.refresh_from_db()
    before = {k: v for k, v in vars(task).items() if k != "_state"}
    work = Work(NOW + HOUR)
    control.redeliver(work, name=task.name)
    (again,) = work.orders
    assert (again.retry_count, again.previous_response, again.extra) == (0, None, True)
    assert again.headers == order.headers
    verdict = Report(again, Answer(200))(work)
    assert verdict == "an extra delivery, which changes nothing"
    task.refresh_from_db()
    assert {k: v for k, v in vars(task).items() if k != "_state"} == before
    assert [each.extra for each in Attempt.objects.all()] == [True, False]
