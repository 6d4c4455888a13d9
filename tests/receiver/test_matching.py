"""Which rule answers which request: a table, without a database."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.matching import choose, like, matches
from receiver.models import Event, Reply


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("default", "default", True),
        ("default", "Default", False),
        ("default", "default2", False),
        ("", "", True),
        ("*", "", True),
        ("*", "anything/at all", True),
        ("orders-*", "orders-eu", True),
        ("orders-*", "orders-", True),
        ("orders-*", "orders", False),
        ("*-eu", "orders-eu", True),
        ("*-eu", "orders-us", False),
        ("/receive/*/items", "/receive/7/items", True),
        ("/receive/*/items", "/receive/7/8/items", True),
        ("/receive/*/items", "/receive/items", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("ab*ba", "aba", False),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "acb", False),
        ("*b*", "abc", True),
        ("**", "x", True),
        # Nothing but * has a meaning of its own.
        ("a?c", "abc", False),
        ("a[b]c", "abc", False),
        ("a.c", "abc", False),
    ],
)
def test_a_pattern(pattern, text, expected):
    assert like(pattern, text) is expected


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_a_pattern_means_what_the_same_regular_expression_means(pattern, text):
    spelled = ".*".join(re.escape(piece) for piece in pattern.split("*"))
    assert like(pattern, text) == bool(re.fullmatch(spelled, text))


def test_a_pattern_of_many_stars_costs_little():
    assert not like("a*" * 250 + "b", "a" * 16_000)


EVENT = Event(
    queue="default",
    path="/receive/orders",
    task="task-1",
    headers=[["X-Shard", "7"], ["X-Shard", "8"], ["X-Empty", ""]],
)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"queue": "default"}, True),
        ({"queue": "other"}, False),
        ({"path": "/receive/*"}, True),
        ({"path": "/receive"}, False),
        ({"task": "task-1"}, True),
        ({"task": "task-2"}, False),
        ({"header_name": "x-shard"}, True),
        ({"header_name": "X-Shard", "header_value": "8"}, True),
        ({"header_name": "X-Shard", "header_value": "9"}, False),
        ({"header_name": "X-Shard", "header_value": "*7*"}, True),
        ({"header_name": "X-Empty"}, True),
        ({"header_name": "X-Other"}, False),
        ({"queue": "default", "path": "/receive/orders", "task": "task-*"}, True),
        ({"queue": "default", "path": "/elsewhere"}, False),
        ({"queue": "default", "header_name": "X-Other"}, False),
    ],
)
def test_which_requests_a_rule_is_meant_for(fields, expected):
    assert matches(Reply(**fields), EVENT) is expected


def test_a_request_without_labels_is_no_task_s():
    assert not matches(Reply(queue="default"), Event())
    assert matches(Reply(path="/"), Event(path="/"))


@pytest.mark.parametrize(
    ("first", "taken", "roll", "chosen"),
    [
        ({}, 0, 0.0, 1),
        ({"queue": "other"}, 0, 0.0, 2),
        ({"times": 3}, 2, 0.0, 1),
        ({"times": 3}, 3, 0.0, 2),
        ({"times": 3, "hits": 2}, 0, 0.0, 1),
        ({"times": 3, "hits": 2}, 1, 0.0, 2),
        ({"times": 3, "hits": 9}, 0, 0.0, 2),
        ({"percent": 50}, 0, 0.49, 1),
        ({"percent": 50}, 0, 0.5, 2),
        ({"percent": 1}, 0, 0.0, 1),
        ({"percent": 99}, 0, 0.999, 2),
        ({"percent": 100}, 0, 0.999999, 1),
    ],
)
def test_which_of_two_rules_answers(first, taken, roll, chosen):
    rules = [Reply(pk=1, **first), Reply(pk=2)]
    assert choose(rules, EVENT, Counter({1: taken}), lambda: roll).pk == chosen


def test_nobody_answers_where_no_rule_is_left():
    rules = [Reply(pk=1, times=1, hits=1), Reply(pk=2, queue="other")]
    assert choose(rules, EVENT, Counter(), lambda: 0.0) is None
