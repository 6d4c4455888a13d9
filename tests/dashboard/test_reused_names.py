"""One name, several tasks: which event and which answer belongs to which of them."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard import belongs
from dashboard.refresh import refresh
from receiver.models import Refusal
from tests.dashboard.conftest import make_event, make_sent, make_task

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


def named(**changes):
    return make_sent(random_name=False, **changes)


def sender_at(moment: datetime):
    return belongs.sender(make_event(received_at=moment))


def test_an_event_leads_to_the_task_that_was_sent_last_before_it(admin_client, cloud):
    first, second = named(created_at=NOW - 5 * HOUR), named(created_at=NOW - 3 * HOUR)
    early = make_event(received_at=NOW - 4 * HOUR)
    late = make_event(received_at=NOW - 2 * HOUR)
    for event, sent, other in ((early, first, late), (late, second, early)):
        page = admin_client.get(f"/events/{event.pk}/").content.decode()
        assert f'href="/tasks/{sent.pk}/"' in page
        assert f'<strong><a href="/events/{other.pk}/"' not in page


def test_an_event_a_little_older_than_its_task_is_still_its_own(cloud):
    sent = named(created_at=NOW)
    assert sender_at(NOW - timedelta(seconds=30)) == sent
    assert sender_at(NOW - timedelta(seconds=90)) is None


def test_an_attempt_to_send_that_was_refused_has_no_events(cloud):
    sent = named(created_at=NOW - HOUR)
    named(answer="refused", state="", created_at=NOW - HOUR / 2, ended_at=NOW - HOUR / 2)
    assert sender_at(NOW) == sent


def test_an_event_long_after_the_end_is_another_s_unless_nobody_else_has_the_name(cloud):
    ended = {"state": "done", "created_at": NOW - 9 * HOUR, "ended_at": NOW - 8 * HOUR}
    sent = named(**ended)
    assert sender_at(NOW - 7.5 * HOUR) == sent
    assert sender_at(NOW - 6 * HOUR) is None
    sent.random_name = True
    sent.save()
    assert sender_at(NOW - 6 * HOUR) == sent


def test_a_task_that_was_made_hours_later_is_not_the_one_sent(cloud):
    cloud.get_task.side_effect = lambda name: make_task(name, create_time=NOW, dispatch_count=7)
    sent = named(created_at=NOW - 2 * HOUR)
    refresh([sent])
    sent.refresh_from_db()
    assert (sent.state, sent.dispatch_count) == ("not arrived", 0)


@pytest.mark.parametrize(
    ("made", "ours"),
    [(-HOUR, True), (0 * HOUR, True), (0.8 * HOUR, True), (0.9 * HOUR, False), (9 * HOUR, False)],
)
def test_what_cloud_tasks_made_within_the_time_of_sending_again_is_ours(made, ours):
    sent = named(created_at=NOW)
    assert belongs.is_of(make_task(sent.name, create_time=NOW + made), sent, None) is ours


def test_a_refusal_on_the_timeline_has_a_minute_and_no_second(admin_client, cloud):
    minute = datetime(2026, 11, 24, 5, 45, tzinfo=UTC)
    sent = make_sent("t-1", created_at=minute + timedelta(seconds=20))
    Refusal.objects.create(reason="account", minute=minute, count=1, queue="default", task="t-1")
    for path in (f"/tasks/{sent.pk}/", "/", "/events/?show=refusals"):
        page = admin_client.get(path).content.decode()
        assert 'data-form="minute" title="2026-11-24T05:45:00.000Z">05:45</time>' in page
    page = admin_client.get(f"/tasks/{sent.pk}/").content.decode()
    assert "in the minute <time" in page
