"""A task's retry plan beside what really happened."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from dashboard import course
from dashboard.course import Made
from dashboard.errors import NotFound
from dashboard.retry_plan import RetryConfig, plan
from tests.dashboard.conftest import allow, make_event, make_queue, make_sent, make_task

START = datetime(2026, 1, 2, 12, tzinfo=UTC)
GONE = NotFound("NOT_FOUND: The task no longer exists", "NOT_FOUND")


def made(number: int, after: float, took: float = 0, kind: str = "bad") -> Made:
    at = START + timedelta(seconds=after)
    return Made(number, at, at + timedelta(seconds=took), kind)


def waits(config: RetryConfig, *done: Made) -> list[tuple[int, float | None, float | None]]:
    return [
        (step.number, step.planned, step.really) for step in course.steps(plan(config), [*done])
    ]


def test_waits_are_from_the_end_of_the_attempt_before():
    config = RetryConfig(max_attempts=4, min_backoff=1, max_backoff=60)
    done = (made(1, 0, took=0.5), made(2, 1.75), made(3, 4.5, kind="ok"))
    assert waits(config, *done) == [(1, None, None), (2, 1, 1.25), (3, 2, 2.75)]


@pytest.mark.parametrize(
    ("attempts", "done", "numbers"),
    [
        (100, [], 5),  # the next ones are shown
        (3, [], 3),
        (100, [1, 2, 3, 4], 6),
        (4, [1, 2, 3, 4], 4),
        (3, [1, 2, 3, 4], 4),  # the queue was changed since
        (100, list(range(1, 90)), 50),
    ],
)
def test_the_next_attempts_are_shown_while_there_are_any(attempts, done, numbers):
    config = RetryConfig(max_attempts=attempts, min_backoff=1)
    found = course.steps(plan(config), [made(n, n) for n in done])
    assert [step.number for step in found] == list(range(1, numbers + 1))


def test_nothing_is_planned_beyond_the_plan_and_what_was_not_seen_is_none():
    config = RetryConfig(max_attempts=2, min_backoff=1)
    assert waits(config, made(1, 0), made(3, 9)) == [(1, None, None), (2, 1, None), (3, None, None)]


# On the page --------------------------------------------------------------------------------
def course_of(client, path: str) -> str:
    page = client.get(path).content.decode()
    part = page.partition("<h2>Retry plan")[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", part).split())


@pytest.fixture
def failing(cloud):
    """A task that is still tried, with two events 3 s apart of a queue that waits 1 s first."""
    cloud.get_queue.return_value = make_queue(max_attempts=4, min_backoff=1.0)
    sent = make_sent(created_at=datetime.now(UTC) - timedelta(seconds=30))
    came = sent.created_at + timedelta(seconds=1)
    make_event(status=503, received_at=came, took_us=500_000)
    make_event(status=503, retry_count=1, received_at=came + timedelta(seconds=3))
    make_event(status=503, retry_count=1, received_at=came + timedelta(seconds=4))  # once more
    cloud.get_task.side_effect = lambda name: make_task(
        name, dispatch_count=2, response_count=2, create_time=sent.created_at
    )
    return sent


@pytest.mark.django_db
def test_the_plan_and_the_attempts_stand_beside_each_other(admin_client, failing):
    text = course_of(admin_client, f"/tasks/{failing.pk}/")
    assert "At most 4 attempts: now, +1 s, +2 s, +4 s. Made so far: 2 attempts within 3 s." in text
    assert "If it goes on failing it gives up about" in text
    assert "2 1 s 2.5 s failed" in text
    assert "3 2 s – not yet" in text
    assert "Attempt 2 planned: +1 s" in text
    assert "Attempt 2: +3 s" in text


@pytest.mark.django_db
def test_attempts_are_told_only_to_who_may_see_events(client, newcomer, failing):
    allow(newcomer, "dashboard.view_senttask")
    assert not course_of(client, f"/tasks/{failing.pk}/")
    allow(newcomer, "receiver.view_event")
    assert "2 1 s 2.5 s failed" in course_of(client, f"/tasks/{failing.pk}/")


@pytest.mark.django_db
def test_where_there_is_nothing_to_compare_nothing_is_shown(admin_client, cloud):
    cloud.get_task.side_effect = GONE
    sent = make_sent(created_at=datetime.now(UTC) - timedelta(seconds=30))
    make_event()  # done at once
    assert not course_of(admin_client, f"/tasks/{sent.pk}/")
    cloud.get_queue.side_effect = GONE
    make_event(status=500, retry_count=1)
    assert not course_of(admin_client, f"/tasks/{sent.pk}/")


@pytest.mark.django_db
def test_before_the_first_attempt_there_is_the_plan_alone(admin_client, cloud):
    sent = make_sent()
    cloud.get_task.side_effect = lambda name: make_task(name, create_time=sent.created_at)
    text = course_of(admin_client, f"/tasks/{sent.pk}/")
    assert "At most 100 attempts: now, +0.1 s" in text
    assert "Made" not in text
    assert "what happened" not in text
