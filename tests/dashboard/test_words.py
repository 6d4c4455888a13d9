"""Numbers as a person says them, charts and caches."""

import doctest
from datetime import UTC, datetime, timedelta

import pytest

from dashboard import cache, charts, words
from dashboard.figures import Hour, capped
from dashboard.retry_plan import RetryConfig, plan
from tests.dashboard.conftest import make_queue


@pytest.mark.parametrize("module", [words, charts])
def test_the_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Up to 100 attempts."),
        ({"max_attempts": 1}, "One attempt, no retry."),
        ({"max_attempts": -1}, "Retries until the task is 31 days old."),
        ({"max_attempts": -1, "max_retry_duration": 60.0}, "Retries for 1 min."),
        (
            {"max_attempts": 5, "max_retry_duration": 3600.0},
            "Up to 5 attempts, and in any case for 1 h.",
        ),
    ],
)
def test_patience_in_words(changes, sentence):
    assert words.patience(make_queue(**changes)) == sentence


@pytest.mark.parametrize(
    ("changes", "pauses", "planned"),
    [
        ({"max_attempts": 1}, "", "One attempt, no retry"),
        ({"max_attempts": 3}, "0.1 s, 0.2 s", "At most 3 attempts: now, +0.1 s, +0.2 s"),
        (
            {},
            "0.1 s, 0.2 s, 0.4 s, 0.8 s, 1.6 s … up to 1 h",
            "At most 100 attempts: now, +0.1 s, +0.2 s, +0.4 s, +0.8 s, +1.6 s … up to +1 h",
        ),
        (
            {"max_attempts": -1, "min_backoff": 60.0, "max_backoff": 60.0},
            "1 min, 1 min, 1 min, 1 min, 1 min … up to 1 min",
            "Attempts without a limit: now, +1 min, +1 min, +1 min, +1 min, +1 min … up to +1 min",
        ),
    ],
)
def test_the_waits_in_words(changes, pauses, planned):
    queue = make_queue(**changes)
    assert words.pauses(queue) == pauses
    assert words.planned(plan(RetryConfig.of(queue))) == planned


def test_bars_have_a_tip_an_hour_and_no_style():
    start = datetime(2026, 11, 24, tzinfo=UTC)
    hours = [Hour(start + timedelta(hours=n), succeeded=n, refused=n // 2) for n in range(24)]
    svg = charts.bars(hours)
    assert svg.count("<g>") == 24
    assert "<title>04:00 UTC: 4 succeeded, 2 refused</title>" in svg
    assert "<title>00:00 UTC: nothing</title>" in svg
    assert "style" not in svg
    assert "style" not in charts.spark([0] * 24)


def test_counts_are_capped():
    assert [capped(n) for n in (0, 9999, 10000, 10001)] == ["0", "9,999", "10,000", "10,000+"]


def test_an_answer_is_kept_and_forgotten_by_a_change():
    calls = []

    @cache.kept_for(60)
    def ask(what):
        calls.append(what)
        return len(calls)

    assert [ask("a"), ask("a"), ask("b")] == [1, 1, 2]
    cache.clear()
    assert ask("a") == 3


def test_a_failure_is_kept_only_where_asked_for():
    calls = []

    @cache.kept_for(60, KeyError)
    def ask(error):
        calls.append(error)
        raise error("x")

    for error in (KeyError, KeyError, ValueError, ValueError):
        with pytest.raises(error):
            ask(error)
    assert calls == [KeyError, ValueError, ValueError]


def test_the_cache_is_bounded():
    @cache.kept_for(60)
    def ask(n):
        return n

    for n in range(2 * cache.LIMIT + 10):
        ask(n)
    assert len(cache._kept) <= cache.LIMIT
