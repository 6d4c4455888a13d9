"""The retry plan, as a table, and against the local Cloud Tasks' own rules."""

from datetime import timedelta
from itertools import accumulate
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dashboard.retry_plan import RETENTION, RetryConfig, plan
from emulator.backoff import RetryRules
from tests.dashboard.conftest import make_queue

CONSTANT = {"min_backoff": 60, "max_backoff": 60}


def config(shortest: float, longest: float, doublings: int, attempts: int = 9) -> RetryConfig:
    return RetryConfig(attempts, None, shortest, longest, doublings)


@pytest.mark.parametrize(
    ("limits", "waits"),
    [
        ((10, 300, 3), [10, 20, 40, 80, 160, 240, 300, 300]),  # the documentation's example
        ((0.1, 3600, 16), [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8]),
        ((5, 300, 2), [5, 10, 20, 40, 60, 80, 100, 120]),
        ((1, 60, 5), [1, 2, 4, 8, 16, 32, 60, 60]),
        ((7, 7, 16), [7] * 8),
        ((60, 10, 1), [10] * 8),  # a task's own shortest wait, longer than the queue's longest
        ((1, 60, 2**31 - 1), [1, 2, 4, 8, 16, 32, 60, 60]),
        ((1, 60, 5, 1), []),
        ((1, 60, 5, 3), [1, 2]),
    ],
)
def test_the_waits_double_then_grow_evenly_then_stay(limits, waits):
    found = plan(config(*limits))
    assert found.waits(8) == pytest.approx(waits)
    assert found.moments(9) == pytest.approx([0, *accumulate(waits)])
    assert found.waits(2) == pytest.approx(waits[:2])


@pytest.mark.parametrize(
    ("limits", "attempts", "lasts", "expires"),
    [
        ({"max_attempts": 5, "min_backoff": 1}, 5, 15, False),
        ({"max_attempts": 1}, 1, 0, False),
        ({}, 100, 305_353.5, False),
        ({"max_attempts": 3, "max_retry_duration": 60, **CONSTANT}, 3, 120, False),
        ({"max_attempts": 3, "max_retry_duration": 120, **CONSTANT}, 3, 120, False),
        ({"max_attempts": 3, "max_retry_duration": 121, **CONSTANT}, 4, 180, False),
        ({"max_attempts": -1, "max_retry_duration": 121, **CONSTANT}, 4, 180, False),
        ({"max_attempts": -1, **CONSTANT}, 31 * 1440, RETENTION, True),
        ({"max_attempts": 31 * 1440, **CONSTANT}, 31 * 1440, RETENTION - 60, False),
        ({"max_attempts": 31 * 1440 + 1, **CONSTANT}, 31 * 1440, RETENTION, True),
        ({"max_attempts": 3, "max_retry_duration": 40 * 86400, **CONSTANT}, 44640, RETENTION, True),
    ],
)
def test_it_ends_where_both_limits_are_reached_or_at_31_days(limits, attempts, lasts, expires):
    found = plan(RetryConfig(**limits))
    assert (found.attempts, found.expires) == (attempts, expires)
    assert found.lasts == pytest.approx(lasts)


def test_a_task_for_later_has_less_of_its_31_days_left():
    assert plan(RetryConfig(-1, None, 60, 60), ahead=30 * 86400).attempts == 1440


def test_an_endless_plan_costs_no_more_than_a_short_one():
    found = plan(RetryConfig(-1, None, 0.001, 0.001, 1))
    assert found.attempts == 31 * 86_400_000
    assert found.moments(3) == pytest.approx([0, 0.001, 0.002])


def test_a_task_s_own_config_wins_field_by_field():
    queue = make_queue(max_attempts=7, min_backoff=2.0, max_retry_duration=9.0)
    assert RetryConfig.of(queue) == RetryConfig(7, 9.0, 2.0, 3600.0, 16)
    own = SimpleNamespace(max_attempts=3, min_backoff=0, max_backoff=5.0, max_doublings=None)
    assert RetryConfig.of(queue, own) == RetryConfig(3, 9.0, 2.0, 5.0, 16)


@given(
    some.integers(1, 40) | some.just(-1),
    some.none() | some.integers(1, 5000),
    some.integers(1, 90_000),
    some.integers(1, 900_000),
    some.integers(1, 20),
)
def test_it_is_what_the_local_cloud_tasks_does(attempts, duration, shortest, span, doublings):
    longest = shortest + span
    found = plan(RetryConfig(attempts, duration, shortest / 1000, longest / 1000, doublings))
    rules = RetryRules(
        attempts,
        timedelta(seconds=duration or 0),
        timedelta(milliseconds=shortest),
        timedelta(milliseconds=longest),
        doublings,
    )
    since, made = timedelta(0), 1
    while not rules.exhausted(made, since) and made < 100:
        since += rules.delay(made)
        made += 1
        assert found.config.after(made) == pytest.approx(since.total_seconds())
    if made < 100:
        assert (found.attempts, found.expires) == (made, False)
