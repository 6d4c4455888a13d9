"""The first page: the last 24 hours, the queues, what broke, or the first step."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard import cache, rollup
from dashboard.errors import Refused, Unreachable
from dashboard.resources import Depth
from receiver.models import Refusal, Reply
from tests.dashboard.conftest import make_event, make_sent

pytestmark = pytest.mark.django_db


def test_the_day_in_numbers(admin_client, cloud):
    now = datetime.now(UTC)
    for n in range(3):
        make_event(took_us=3000 * (n + 1))
    failed = make_event("broken", status=500, queue="emails", took_us=100)
    make_event("old", received_at=now - timedelta(hours=30))
    Refusal.objects.create(reason="missing", minute=now, count=7)
    page = admin_client.get("/").content.decode()
    values = re.findall(r"<b>([^<]+)</b>\s*<small>([^<]+)</small>", page)
    assert values == [
        ("4", "across 2 queues"),
        ("75.0 %", "3 of 4"),
        ("1", "answered other than 2xx"),
        ("11 ms", "median 4.0 ms"),
        ("7", "most: No token"),
    ]
    assert page.count(f'href="/events/{failed.pk}/">broken</a>') == 2  # latest, and latest failure
    assert 'action="/queues/default/pause/"' in page
    assert page.count('<svg class="chart"') == 3
    assert page.count('<svg class="spark"') == 7
    assert re.search(r"</time></td><td class=\"n\">3</td><td class=\"n\">1</td>", page)


@pytest.mark.parametrize(
    ("period", "events", "bars"), [("1h", 1, 60), ("24h", 2, 24), ("7d", 3, 56), ("never", 2, 24)]
)
def test_the_period_is_chosen_in_the_url(admin_client, cloud, period, events, bars):
    now = datetime.now(UTC)
    for hours in (0, 22, 150, 200):
        make_event(received_at=now - timedelta(hours=hours))
    page = admin_client.get(f"/?period={period}").content.decode()
    assert f"<b>{events}</b>" in page
    assert page.count('<rect class="hit"') == 3 * bars  # of three charts
    kept = period if period != "never" else "24h"
    assert f'href="/?period={kept}" aria-current="page"' in page
    assert f'hx-vals=\'{{"period": "{kept}"}}\'' in page


def test_a_queue_has_its_depth_its_share_and_links_to_its_events(admin_client, cloud):
    due = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    cloud.queue_depths.return_value = {"default": Depth(tasks=1234, oldest_at=due, running=1)}
    make_event(status=500, took_us=3000)
    make_event("elsewhere", queue="odd/<b>")
    page = admin_client.get("/").content.decode()
    rows = {
        row.split("</b>")[0].rsplit(">", 1)[1]: row for row in page.split("<tr>") if "<b>" in row
    }
    assert "1,234" in rows["default"]
    assert "03:04:05" in rows["default"]
    assert 'href="/events/?show=failed&amp;queue=default">1</a>' in rows["default"]
    assert "Paused" in rows["emails"]
    assert "not known" in rows["odd/&lt;b&gt;"]
    assert 'href="/events/?queue=odd/%3Cb%3E"' in rows["odd/&lt;b&gt;"]


def test_a_cloud_tasks_that_knows_no_depth_still_lists_its_queues(admin_client, cloud):
    cloud.queue_depths.side_effect = Refused("UNIMPLEMENTED: v2beta3", "UNIMPLEMENTED")
    page = admin_client.get("/").content.decode()
    assert 'action="/queues/default/pause/"' in page
    assert "UNIMPLEMENTED" not in page


def test_what_needs_a_look_is_counted_and_leads_to_its_list(admin_client, cloud):
    for state in ("gave up", "gave up", "not arrived", "done"):
        make_sent(state=state)
    page = admin_client.get("/").content.decode()
    for state, count in (("gave%20up", 2), ("not%20arrived", 1), ("retrying", 0)):
        row = page.split(f'href="/tasks/?state={state}"')[1].split("</tr>")[0]
        assert f'<td class="n">{count}</td>' in row


def test_replies_that_are_on_are_said(admin_client, cloud):
    Reply.objects.create(name="Three times 503", times=3)
    Reply.objects.create(name="No more", enabled=False)
    page = admin_client.get("/").content.decode()
    assert "The receiver answers as it was told: <b>Three times 503</b>." in page
    assert "No more" not in page


def test_the_first_visit_says_the_first_step_with_its_command(admin_client, cloud):
    page = admin_client.get("/").content.decode()
    assert "python manage.py enqueue --queue default --url http://localhost:8080" in page
    make_event()
    cache.clear()
    assert "manage.py enqueue" not in admin_client.get("/").content.decode()


def test_it_works_while_cloud_tasks_is_away(admin_client, cloud):
    cloud.list_queues.side_effect = Unreachable("Start it with: python manage.py runemulator")
    make_event("still-here", status=500)
    page = admin_client.get("/").content.decode()
    assert "python manage.py runemulator" in page
    assert "still-here" in page
    assert "The queues cannot be read now: these are those that events came from." in page


def test_a_poll_brings_only_what_changed(admin_client, cloud):
    make_event()
    page = admin_client.get("/").content.decode()
    poll = re.search(r'hx-get="(/\?seen=\w+)"', page)[1]
    htmx = {"HX-Request": "true"}
    assert admin_client.get(poll, headers=htmx).status_code == 204
    make_event("another", status=500)
    cache.clear()
    answer = admin_client.get(poll, headers=htmx)
    assert "another" in answer.content.decode()
    assert answer.content.decode().lstrip().startswith('<div id="overview"')


def test_it_costs_the_same_queries_however_many_rows(admin_client, cloud):
    def cost():
        cache.clear()
        with CaptureQueriesContext(connection) as found:
            admin_client.get("/")
        return len(found)

    make_event(status=500)
    while rollup.advance():
        pass
    make_event(status=500)
    few = cost()
    for n in range(40):
        make_event(f"t{n}", status=500, queue=f"q{n}")
    assert cost() == few <= 24


def test_counting_is_kept_for_some_seconds(admin_client, cloud):
    admin_client.get("/")
    with CaptureQueriesContext(connection) as found:
        admin_client.get("/")
    assert not [query for query in found if "COUNT" in query["sql"]]


def test_a_change_of_ours_forgets_what_cloud_tasks_said_and_not_the_counts(admin_client, cloud):
    admin_client.get("/")
    cache.clear("dashboard.gateway")
    with CaptureQueriesContext(connection) as found:
        admin_client.get("/")
    assert not [query for query in found if "COUNT" in query["sql"]]
