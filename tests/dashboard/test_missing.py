"""Where did my task go: what was sent and has not arrived, each with why."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard import cache, missing
from dashboard.errors import NotFound, Unreachable
from receiver.models import Refusal
from tests.dashboard.conftest import DEFAULT, allow, make_event, make_queue, make_sent, make_task

pytestmark = pytest.mark.django_db
GONE = NotFound("NOT_FOUND: The task no longer exists", "NOT_FOUND")


def shown(client, query: str = "") -> dict[str, str]:
    """Return the reasons' words by task."""
    page = client.get(f"/tasks/missing/{query}").content.decode()
    found = re.findall(r'href="/tasks/\d+/">([^<]+)</a></h2>\s*<span class="word">([^<]*)<', page)
    return dict(found)


def test_each_is_told_with_its_reason(admin_client, cloud):
    now = datetime.now(UTC)
    exhausted = f"{DEFAULT[:-7]}gone"
    make_sent("waits")
    make_sent("later", schedule_time=now + timedelta(hours=1))
    make_sent("held", queue=f"{DEFAULT[:-7]}paused", name=f"{DEFAULT[:-7]}paused/tasks/held")
    make_sent("tried", state="retrying", dispatch_count=2)
    make_sent("lost", queue=exhausted, name=f"{exhausted}/tasks/lost")
    make_sent("turned", state="not arrived", ended_at=now)
    make_sent("away", url="https://shop.example/", state="unknown", ended_at=now)
    make_sent("taken", answer="refused", state="", ended_at=now, answer_text="ALREADY_EXISTS: x")
    make_sent("came")
    make_event("came", status=500, received_at=now)
    make_sent("done", state="done", ended_at=now)
    minute = now.replace(second=0, microsecond=0)
    Refusal.objects.create(reason="key", minute=minute, count=1, queue="default", task="turned")

    def get_task(name):
        if "/gone/" in name:
            raise GONE
        later = now + timedelta(hours=1)
        tried = {"dispatch_count": 2, "schedule_time": later} if "tried" in name else {}
        due = {"schedule_time": later} if "later" in name else {}
        return make_task(name, create_time=now, **(tried | due))

    def get_queue(name):
        if name == exhausted:
            raise GONE
        return make_queue(
            name.rpartition("/")[2], state="PAUSED" if "paused" in name else "RUNNING"
        )

    cloud.get_task.side_effect, cloud.get_queue.side_effect = get_task, get_queue
    assert shown(admin_client) == {
        "waits": "Behind others",
        "later": "Scheduled",
        "held": "Queue paused",
        "tried": "No answer, In backoff",
        "lost": "Queue deleted",
        "turned": "Refused",
        "away": "Target elsewhere",
        "taken": "Name taken",
    }


def test_what_mends_a_refusal_is_shown_only_to_who_may_see_it(client, newcomer, cloud):
    now = datetime.now(UTC)
    make_sent("turned", state="not arrived", ended_at=now)
    minute = now.replace(second=0, microsecond=0)
    Refusal.objects.create(
        reason="audience", minute=minute, count=1, queue="default", task="turned"
    )
    allow(newcomer, "dashboard.view_senttask")
    assert shown(client) == {"turned": "Gone"}
    allow(newcomer, "receiver.view_refusal")
    page = client.get("/tasks/missing/").content.decode()
    assert "--oidc-token-audience=" in page


def test_while_cloud_tasks_is_away_that_is_what_is_said(admin_client, cloud):
    cloud.get_task.side_effect = Unreachable("away just now")
    make_sent("a")
    assert shown(admin_client) == {"a": "Not known"}
    assert "away just now" in admin_client.get("/tasks/missing/").content.decode()


def test_pages_go_by_key_and_the_time_is_a_filter(admin_client, cloud):
    cloud.get_task.side_effect = lambda name: make_task(name, create_time=datetime.now(UTC))
    old = datetime.now(UTC) - timedelta(days=8)
    make_sent("old", created_at=old, state="not arrived", ended_at=old)
    for n in range(missing.PAGE + 3):
        make_sent(f"t{n}")
        make_sent(f"came{n}")
        make_event(f"came{n}", status=500, received_at=datetime.now(UTC))
    page = admin_client.get("/tasks/missing/?period=all").content.decode()
    older = re.search(r'id="older" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert list(shown(admin_client, older)) == ["t2", "t1", "t0", "old"]
    assert "old" not in shown(admin_client, older.replace("all", "7d"))
    assert "old" not in shown(admin_client, "?period=nonsense")


def test_it_costs_the_same_queries_however_many_are_missing(admin_client, cloud):
    def cost():
        cache.clear()
        with CaptureQueriesContext(connection) as found:
            admin_client.get("/tasks/missing/")
        return len([q for q in found if "SAVEPOINT" not in q["sql"]])

    make_sent("a", state="waiting")
    few = cost()
    for n in range(15):
        make_sent(f"t{n}")
    assert cost() <= few + 1  # the one UPDATE of all that changed


def test_where_all_has_arrived_it_says_so(admin_client, cloud):
    make_sent("done", state="done", ended_at=datetime.now(UTC))
    page = admin_client.get("/tasks/missing/").content.decode()
    assert "All that was sent in this time has arrived." in page
    poll = re.search(r'hx-get="([^"]+)"', page)[1].replace("&amp;", "&")
    assert admin_client.get(poll, headers={"HX-Request": "true"}).status_code == 204
