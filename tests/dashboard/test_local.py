"""What only a local Cloud Tasks tells and does, asked of a real one."""

import http.server
import secrets
import threading
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from dashboard import cache, gateway, local
from dashboard.drafts import Draft
from dashboard.errors import NotFound, Refused, Unreachable
from dashboard.refresh import refresh
from tests.dashboard.conftest import DEFAULT, allow, make_event, make_sent
from tests.processes import eventually

pytestmark = pytest.mark.django_db


@pytest.fixture
def _here(real_cloud, settings):
    settings.OIDC_ISSUER = real_cloud.http_url


@pytest.fixture(scope="module")
def target():
    """A server elsewhere: each path that it is asked for but /fine answers 500."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200 if self.path == "/fine" else 500)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"no\xff\n")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def fresh(name: str) -> list[local.Attempt]:
    cache.clear()
    return local.attempts(name)


@pytest.mark.usefixtures("_here")
def test_attempts_that_reached_another_target_are_told_and_delivered_twice(admin_client, target):
    name = f"{DEFAULT}/tasks/elsewhere"
    gateway.create_task(Draft(name, DEFAULT, f"{target}/hook", body=b"x"), random_name=True)
    first = eventually(lambda: [one for one in fresh(name) if one.ended_at])[0]
    assert (first.number, first.status, first.url) == (1, 500, f"{target}/hook")
    assert first.answer == b"no\xff\n"
    assert (first.extra, first.forced) == (False, False)
    cache.clear()
    page = admin_client.get("/tasks/by-name/", {"name": name}).content.decode()
    assert "Attempt 1: answered 500 Internal Server Error" in page
    assert f"To POST {target}/hook" in page
    assert r"no\xff" in page
    assert "Deliver once more" in page
    gateway.run_task(name)
    assert eventually(lambda: [one for one in fresh(name) if one.forced])
    key = page.partition('/tasks/local/twice/"')[2].partition('name="key" value="')[2][:64]
    for _ in range(2):
        admin_client.post("/tasks/local/twice/", {"name": name, "key": key})
    assert eventually(lambda: [one for one in fresh(name) if one.extra and one.ended_at])
    assert len([one for one in fresh(name) if one.extra]) == 1
    gateway.delete_task(name)
    with pytest.raises(NotFound):
        gateway.run_task(name)


@pytest.mark.usefixtures("_here")
def test_the_clock_is_turned_to_when_a_task_is_due_and_back(admin_client, target):
    name, due = f"{DEFAULT}/tasks/tomorrow", datetime.now(UTC) + timedelta(days=1)
    draft = Draft(name, DEFAULT, target, body=b"x", schedule_time=due)
    gateway.create_task(draft, random_name=True)
    page = admin_client.get("/tasks/by-name/", {"name": name}).content.decode()
    assert "Fast-forward to the next attempt" in page
    to = page.partition('name="to" value="')[2].partition('"')[0]
    admin_client.post("/tasks/local/forward/", {"name": name, "to": to})
    assert eventually(lambda: fresh(name))
    assert timedelta(hours=23) < local.ahead() < timedelta(hours=25)
    page = admin_client.get("/tasks/by-name/", {"name": name}).content.decode()
    assert "Back to the real time" in page
    gateway.delete_task(name)
    admin_client.post("/tasks/local/forward/", {"name": name})
    assert local.ahead() == timedelta(0)


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(("path", "state"), [("/fine", "done"), ("/hook", "gave up")])
def test_how_a_task_for_another_server_ended_is_told_too(admin_client, target, path, state):
    """Google's API tells it of none: there it is ended, unknown how."""
    task_id = f"ends-{path[1:]}"
    queue = f"{DEFAULT[:-7]}{task_id}"
    gateway.create_queue(queue, {"max_attempts": 1})
    name = f"{queue}/tasks/{task_id}"
    sent = make_sent(task_id, name=name, queue=queue, url=f"{target}{path}", body=b"x")
    sent.send()

    def ended():
        cache.clear()
        refresh([sent])
        return sent.ended_at

    assert eventually(ended)
    assert sent.state == state
    page = admin_client.get(f"/tasks/{sent.pk}/").content.decode()
    assert f"<strong>{state.capitalize()}</strong>" in page
    sent.delete()
    page = admin_client.get("/tasks/by-name/", {"name": name}).content.decode()
    assert f"<strong>{state.capitalize()}</strong>" in page


@pytest.mark.usefixtures("_here")
def test_the_page_of_what_has_ended_is_live_while_one_more_delivery_is_under_way(
    admin_client, target, monkeypatch
):
    sent = make_sent(
        "one-more", queue=DEFAULT, name=f"{DEFAULT}/tasks/one-more", url=f"{target}/fine"
    )
    sent.send()
    eventually(lambda: [one for one in fresh(sent.name) if one.ended_at])
    made = local.attempts(sent.name)
    running = replace(made[-1], extra=True, ended_at=None, status=None, at=timezone.now())
    moved = timezone.now() - timedelta(hours=1)
    for more, is_live in ([], False), ([running], True), ([replace(running, at=moved)], False):
        monkeypatch.setattr(local, "attempts", lambda name, more=more: [*made, *more])
        page = admin_client.get(f"/tasks/{sent.pk}/").content.decode()
        part = page.partition('<div id="task-live"')[2].partition(">")[0]
        assert ("hx-trigger" in part) == is_live, more


@pytest.mark.usefixtures("_here")
def test_what_is_told_as_answered_has_its_event_on_the_page(admin_client, target, monkeypatch):
    sent = make_sent("both", queue=DEFAULT, name=f"{DEFAULT}/tasks/both", url=f"{target}/fine")

    def while_it_arrives(name):
        make_event("both")
        return []

    monkeypatch.setattr(local, "attempts", while_it_arrives)
    assert "1 arrived here" in admin_client.get(f"/tasks/{sent.pk}/").content.decode()


@pytest.mark.usefixtures("_here")
def test_what_it_does_not_know_or_take_is_said():
    assert local.attempts(f"{DEFAULT}/tasks/never") == []
    with pytest.raises(NotFound):
        local.deliver_twice(f"{DEFAULT}/tasks/never")
    with pytest.raises(Refused, match="turned ahead only"):
        local.forward(datetime.now(UTC) - timedelta(days=1))


@pytest.mark.parametrize(
    ("endpoint", "issuer"),
    [
        ("", "http://127.0.0.1:1"),
        ("127.0.0.1:1", "https://accounts.google.com"),
        ("127.0.0.1:1", "http://127.0.0.1:1"),
    ],
)
def test_where_tasks_go_to_google_or_nobody_answers_nothing_is_there(settings, endpoint, issuer):
    settings.CLOUD_TASKS_ENDPOINT, settings.OIDC_ISSUER = endpoint, issuer
    assert not local.is_here()
    with pytest.raises(Unreachable):
        local.deliver_twice(f"{DEFAULT}/tasks/x")


def test_another_server_at_that_address_is_not_taken_for_it(settings, target):
    settings.CLOUD_TASKS_ENDPOINT, settings.OIDC_ISSUER = "127.0.0.1:1", target
    assert not local.is_here()


# A queue's page ---------------------------------------------------------------------------
def key_of(page: str, path: str) -> str:
    return page.partition(f'action="{path}"')[2].partition('name="key" value="')[2][:32]


@pytest.fixture
def paused(_here, target):
    """A paused queue with two tasks that are due, in this order."""
    queue = f"{DEFAULT[:-7]}out-of-order"
    gateway.create_queue(queue, {"max_attempts": 1})
    gateway.pause_queue(queue)
    names = [f"{queue}/tasks/{secrets.token_hex(4)}" for _ in range(2)]
    for name in names:
        gateway.create_task(Draft(name, queue, f"{target}/hook", body=b"x"), random_name=True)
    return names


def test_what_is_due_is_delivered_last_due_first_and_each_twice(admin_client, paused):
    page = admin_client.get("/queues/out-of-order/").content.decode()
    path = "/queues/out-of-order/local/deliver/"
    form = {"key": key_of(page, path), "order": "reverse", "twice": "1"}
    answers = [admin_client.post(path, form, follow=True).content.decode() for _ in range(2)]
    assert "Delivered 2 tasks, last due first and each twice." in answers[0]
    assert "That has been done already." in answers[1]
    first, second = (
        eventually(lambda name=name: [a for a in fresh(name) if a.ended_at][1:] and fresh(name))
        for name in paused
    )
    assert [one.extra for one in first] == [False, True]
    assert [one.extra for one in second] == [False, True]
    assert second[0].at < first[0].at
    last = LogEntry.objects.latest("id")
    assert (last.object_repr, last.change_message) == (
        "out-of-order",
        "Delivered what is due, last due first, each twice.",
    )
    answer = admin_client.post(path, {"order": "random"}, follow=True).content.decode()
    assert "Nothing was due" in answer


@pytest.mark.usefixtures("_here")
def test_all_that_is_due_within_the_hour_goes_out_at_once(admin_client, target):
    name = f"{DEFAULT}/tasks/within-the-hour"
    due = datetime.now(UTC) + timedelta(minutes=59)
    draft = Draft(name, DEFAULT, target, body=b"x", schedule_time=due)
    gateway.create_task(draft, random_name=True)
    page = admin_client.get("/queues/default/").content.decode()
    path = "/queues/default/local/forward/"
    assert 'value="3600"' in page
    assert "Back to the real time" not in page
    form = {"key": key_of(page, path), "by": "3600"}
    for _ in range(2):
        page = admin_client.post(path, form, follow=True).content.decode()
    assert "The clock is 1 h ahead." in page
    assert eventually(lambda: fresh(name))
    gateway.delete_task(name)
    page = admin_client.post(path, {"by": ""}, follow=True).content.decode()
    assert "The local clock is back at the real time." in page
    assert local.ahead() == timedelta(0)


@pytest.mark.usefixtures("_here")
def test_the_clock_goes_to_whatever_is_due_next(admin_client, real_cloud, target):
    reset = f"{real_cloud.http_url}/emulator/reset"  # what other tests left would be next
    urllib.request.urlopen(urllib.request.Request(reset, method="POST")).close()
    name = f"{DEFAULT}/tasks/next-of-all"
    due = datetime.now(UTC) + timedelta(minutes=3)
    gateway.create_task(
        Draft(name, DEFAULT, target, body=b"x", schedule_time=due), random_name=True
    )
    admin_client.post("/queues/default/local/forward/", {"by": "next"})
    assert timedelta(minutes=2) < local.ahead() <= timedelta(minutes=3)
    assert eventually(lambda: fresh(name))
    gateway.delete_task(name)
    admin_client.post("/queues/default/local/forward/")


@pytest.mark.usefixtures("_here")
def test_only_who_may_run_tasks_sees_and_uses_that(client, clerk):
    assert "Local Cloud Tasks only" not in client.get("/queues/default/").content.decode()
    for act in ("forward", "deliver"):
        assert client.post(f"/queues/default/local/{act}/").status_code == 403
    allow(clerk, "dashboard.change_senttask")
    assert "Local Cloud Tasks only" in client.get("/queues/default/").content.decode()


def test_on_google_s_service_there_is_no_such_part(admin_client, cloud, settings):
    settings.CLOUD_TASKS_ENDPOINT = ""
    assert "Local Cloud Tasks only" not in admin_client.get("/queues/default/").content.decode()
    answer = admin_client.post("/queues/default/local/deliver/", follow=True).content.decode()
    assert "Only a local Cloud Tasks can do that." in answer
