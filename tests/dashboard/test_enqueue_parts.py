"""What stands beside the enqueue form and follows what is typed."""

from datetime import UTC, datetime

import pytest

from dashboard import retry_chart
from dashboard.errors import NotFound
from dashboard.retry_plan import RetryConfig, plan
from tests.dashboard.conftest import DEFAULT, make_queue

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def typed(client, **fields: str) -> str:
    return " ".join(client.post("/enqueue/code/", fields).content.decode().split())


def test_the_plan_is_the_queue_s_and_follows_the_time(admin_client, cloud):
    cloud.get_queue.return_value = make_queue(max_attempts=5, min_backoff=1.0)
    page = " ".join(admin_client.get("/enqueue/").content.decode().split())
    assert "At most 5 attempts: now, +1 s, +2 s, +4 s, +8 s; gives up about" in page
    assert "2026-11-24 12:00:15 UTC" in page
    assert page.count("<circle") == 5
    part = typed(admin_client, queue="emails", schedule_time="2026-11-25T09:00:00Z")
    assert cloud.get_queue.call_args.args == (f"{DEFAULT.removesuffix('default')}emails",)
    assert '<div id="plan" aria-live="polite" hx-swap-oob="true">' in part
    assert "2026-11-25 09:00:15 UTC" in part
    assert "“Now” is <time" in part


@pytest.mark.parametrize(
    ("changes", "sentence", "dots"),
    [
        ({"max_attempts": 1}, "One attempt, no retry.", 0),
        ({"max_attempts": -1}, "when the task is 31 days old", 13),
        ({"state": "PAUSED"}, "Queue default is paused: nothing is sent until", 13),
    ],
)
def test_the_plan_says_what_is_special(admin_client, cloud, changes, sentence, dots):
    cloud.get_queue.return_value = make_queue(**changes)
    part = typed(admin_client)
    assert sentence in part
    assert part.count("<circle") == dots


def test_without_an_answer_the_plan_says_why(admin_client, cloud):
    cloud.get_queue.side_effect = NotFound("NOT_FOUND: Queue does not exist.", "NOT_FOUND")
    assert "The retry plan is not known: NOT_FOUND: Queue does not exist." in typed(admin_client)


def test_the_drawing_has_no_style_and_stays_inside():
    for attempts in (2, 5, 100, -1):
        svg = retry_chart.draw(plan(RetryConfig(attempts)))
        assert "style" not in svg
        places = [float(part.split('"')[0]) for part in svg.split('cx="')[1:]]
        assert places == sorted(places)
        assert (places[0], places[-1]) == (12.0, 348.0)
