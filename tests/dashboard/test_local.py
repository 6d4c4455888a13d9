"""What only a local Cloud Tasks tells and does, asked of a real one."""

import http.server
import threading
from datetime import UTC, datetime, timedelta

import pytest

from dashboard import cache, gateway, local
from dashboard.drafts import Draft
from dashboard.errors import NotFound, Refused, Unreachable
from tests.dashboard.conftest import DEFAULT
from tests.processes import eventually

pytestmark = pytest.mark.django_db


@pytest.fixture
def _here(real_cloud, settings):
    settings.OIDC_ISSUER = real_cloud.http_url


@pytest.fixture(scope="module")
def target():
    """A server elsewhere: each path that it is asked for answers 500."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(500)
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
