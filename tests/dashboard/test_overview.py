"""The first page: the last 24 hours, the queues, what broke, or the first step."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard import cache
from dashboard.errors import Unreachable
from receiver.models import Refusal
from tests.dashboard.conftest import make_event

pytestmark = pytest.mark.django_db


def test_the_day_in_numbers(admin_client, cloud):
    now = datetime.now(UTC)
    for _ in range(3):
        make_event()
    failed = make_event("broken", status=500, queue="emails")
    make_event("old", received_at=now - timedelta(hours=30))
    Refusal.objects.create(reason="missing", minute=now, count=7)
    page = admin_client.get("/").content.decode()
    values = re.findall(r"<b>([^<]+)</b>\s*<small>([^<]+)</small>", page)
    assert values == [
        ("4", "across 2 queues"),
        ("75.0 %", "3 of 4"),
        ("1", "answered other than 2xx"),
        ("7", "most: No token"),
    ]
    assert f'href="/events/{failed.pk}/">broken</a>' in page
    assert 'action="/queues/default/pause/"' in page
    assert page.count('<svg class="chart"') == 2
    assert page.count('<svg class="spark"') == 4
    assert re.search(r"<tr><td><time.*?</time></td><td class=\"n\">3</td>", page)


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
    assert "The queues cannot be read now." in page


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
    few = cost()
    for n in range(40):
        make_event(f"t{n}", status=500, queue=f"q{n}")
    assert cost() == few <= 11


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
