"""Numbers as a person says them, charts and caches."""

import doctest
import re
from bisect import bisect_right
from collections import Counter
from datetime import UTC, datetime
from math import ceil

import pytest

from dashboard import cache, chart_frame, charts, counts, handler_time, rollup, words
from dashboard.figures import PERIODS, Bar, Figures
from dashboard.handler_time import EDGES, percentile
from dashboard.retry_plan import RetryConfig, plan
from tests.dashboard.conftest import make_queue


@pytest.mark.parametrize("module", [words, charts, chart_frame, counts, handler_time, rollup])
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


def made(key: str) -> Figures:
    """Return a period with n events in its nth bar."""
    period = PERIODS[key]
    start = datetime(2026, 11, 24, tzinfo=UTC)
    bars = [
        Bar(n, n // 2, Counter({n // 3: n}), start + n * period.bar, refused=n // 4)
        for n in range(period.bars)
    ]
    return Figures(period, bars)


def test_bars_have_a_tip_each_and_no_style_and_failures_are_hatched():
    svg = charts.bars(made("24h"))
    assert svg.count("<g>") == 24
    assert "<title>04:00 UTC: 4 succeeded, 2 failed, 1 refused</title>" in svg
    assert "<title>00:00 UTC: nothing</title>" in svg
    drawn = dict(re.findall(r'<path class="(bar-\w+)" d="([^"]*)"', svg))
    assert {css: path.count("M") for css, path in drawn.items()} == {
        "bar-ok": 23,
        "bar-bad": 22,
        "bar-info": 20,
    }
    assert f'<path fill="url(#hatch-720)" d="{drawn["bar-bad"]}"/>' in svg
    assert 'aria-label="Events and refusals in the last 24 hours, a bar for each hour"' in svg
    assert "style" not in svg
    assert "style" not in charts.spark([0] * 24)
    assert "refused" not in charts.bars(made("24h"), refused=False)


@pytest.mark.parametrize(("key", "labels"), [("1h", 12), ("24h", 12), ("7d", 7)])
def test_instants_stand_below_some_of_the_bars(key, labels):
    svg = charts.bars(made(key))
    assert svg.count("data-day=" if key == "7d" else "data-hour=") == labels


def test_handler_times_are_two_lines_with_a_tip_for_each_bar():
    svg = charts.lines(made("7d"))
    assert svg.count("<title>") == 56
    assert "<title>Tue 00:00 UTC: nothing</title>" in svg
    assert re.search(r"<title>Tue 12:00 UTC: p95 0.3 ms, median 0.3 ms</title>", svg)
    assert svg.count('<path class="line p95" d="M') == svg.count('class="line p50" d="M') == 1
    assert "style" not in svg


def test_a_bar_without_times_leaves_a_gap_in_the_lines():
    figures = made("24h")
    figures.bars[5].took.clear()
    assert charts.lines(figures).count('<path class="line p95"') == 2
    assert "<circle" not in charts.lines(figures)


def test_a_bar_alone_is_a_mark_in_the_lines_chart():
    figures = made("24h")
    for n, bar in enumerate(figures.bars):
        if n != 5:
            bar.took.clear()
    svg = charts.lines(figures)
    marks = re.findall(r'<circle class="lone (\w+)" cx="([\d.]+)" cy="[\d.]+" r="[\d.]+"/>', svg)
    assert [name for name, _ in marks] == ["p95", "p50"]
    assert marks[0][1] == marks[1][1]
    assert "<path" not in svg


@pytest.mark.parametrize("times", [[400] * 50, [100, 900, 3000, 47_000], [70_000_000], [249, 250]])
@pytest.mark.parametrize("percent", [50, 95])
def test_a_percentile_is_within_its_bucket(times, percent):
    buckets = Counter(bisect_right(EDGES, time) for time in times)
    exact = sorted(times)[ceil(len(times) * percent / 100) - 1] / 1000
    found = percentile(buckets, percent)
    assert min(exact, EDGES[-1] / 1000) / 1.5 <= found <= exact * 1.5


def test_periods_begin_at_whole_bars_and_end_now():
    now = datetime(2026, 11, 27, 13, 14, 15, tzinfo=UTC)
    assert PERIODS["1h"].first(now) == datetime(2026, 11, 27, 12, 15, tzinfo=UTC)
    assert PERIODS["24h"].first(now) == datetime(2026, 11, 26, 14, tzinfo=UTC)
    assert PERIODS["7d"].first(now) == datetime(2026, 11, 20, 15, tzinfo=UTC)


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
