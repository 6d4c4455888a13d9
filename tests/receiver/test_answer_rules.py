"""What a rule may say: header lines that stay one line, sizes, statuses. A table."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from receiver.answer_rules import HEADERS, faults, header_pairs
from receiver.models import Reply
from receiver.recipes import RECIPES


@pytest.mark.parametrize(
    ("lines", "pairs"),
    [
        ("", []),
        ("Retry-After: 5", [("Retry-After", "5")]),
        ("Retry-After:5\r\nX-B: a b\tc", [("Retry-After", "5"), ("X-B", "a b\tc")]),
        ("X-Empty:", [("X-Empty", "")]),
        ("X-Url: https://x/?a=b:c", [("X-Url", "https://x/?a=b:c")]),
        # Saved by a program that asked no form: nothing of it reaches the wire.
        ("no header", []),
        ("X A: 1", []),
        ("X-A : 1", []),
        ("X-A: é", []),
        ("X-A: a\x00b", []),
        ("X-A: a\x0bX-Evil: 1", []),
        ("Content-Length: 0", []),
        ("TRANSFER-ENCODING: chunked", []),
        ("Set-Cookie: sessionid=1", []),
        ("\n".join(f"X-{n}: 1" for n in range(50)), [(f"X-{n}", "1") for n in range(HEADERS)]),
    ],
)
def test_the_headers_that_are_sent(lines, pairs):
    assert header_pairs(lines) == pairs


@given(st.text(max_size=200))
def test_no_text_can_break_a_header(text):
    for name, value in header_pairs(text) + header_pairs(f"X-A: {text}"):
        assert name
        assert f"{name}: {value}".isascii()
        assert not {"\r", "\n", "\0"} & set(name + value)


def reply(**fields):
    return Reply(**({"name": "rule"} | fields))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        *(recipe.fields for recipe in RECIPES.values()),
        {"status": 200},
        {"status": 599, "body": "b" * 16_384},
        {"status": 204, "headers": "X-A: 1"},
        {"status": 302, "headers": "Location: /receive"},
        {"queue": "orders-*", "task": "*", "path": "*/items", "header_name": "X-A"},
        {"path": "/receive/a%20b", "header_name": "X-A", "header_value": "1*"},
        {"header_name": "Authorization"},
        {"delay": 60, "times": 1_000_000, "percent": 1, "order": 0},
    ],
)
def test_rules_that_can_be_saved(fields):
    reply(**fields).full_clean(validate_constraints=False)


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"name": ""}, "name", "cannot be blank"),
        ({"status": 199}, "status", "greater than or equal to 200"),
        ({"status": 600}, "status", "less than or equal to 599"),
        ({"status": 204, "body": "x"}, "body", "An answer with 204 has no body."),
        ({"status": 304, "body": "x"}, "body", "An answer with 304 has no body."),
        ({"body": "b" * 16_385}, "body", "at most 16384 characters"),
        ({"headers": "h" * 4097}, "headers", "at most 4096 characters"),
        ({"headers": "X-A: 1\nnonsense"}, "headers", "Line 2: Write it as Name: value"),
        ({"headers": "X-A: ü"}, "headers", "Line 1: Write it as Name: value, in plain ASCII."),
        ({"headers": "content-length: 5"}, "headers", "content-length is set by the receiver"),
        ({"headers": "X-A: 1\n" * 21}, "headers", "21 headers; at most 20."),
        ({"delay": -1}, "delay", "greater than or equal to 0"),
        ({"delay": 60.1}, "delay", "less than or equal to 60"),
        ({"delay": float("nan")}, "delay", "A number of seconds"),
        ({"times": 0}, "times", "greater than or equal to 1"),
        ({"percent": 0}, "percent", "greater than or equal to 1"),
        ({"percent": 101}, "percent", "less than or equal to 100"),
        ({"order": 10_001}, "order", "less than or equal to 10000"),
        ({"queue": "projects/p/queues/q"}, "queue", "Letters, digits"),
        ({"task": "a b"}, "task", "Letters, digits"),
        ({"path": "receive"}, "path", "begins with /"),
        ({"path": "/receive?x=1"}, "path", "without the query"),
        ({"path": "/ä"}, "path", "percent-encoded"),
        ({"header_name": "X A"}, "header_name", "not the name of a header"),
        ({"header_value": "1"}, "header_name", "Name the header"),
        ({"header_name": "Authorization", "header_value": "x"}, "header_value", "is a secret"),
        ({"header_name": "X-Api-Key", "header_value": "x"}, "header_value", "is a secret"),
    ],
)
def test_rules_that_cannot_be_saved(fields, field, said):
    with pytest.raises(ValidationError) as raised:
        reply(**fields).full_clean(validate_constraints=False)
    assert list(raised.value.message_dict) == [field]
    assert said in raised.value.message_dict[field][0]


def test_a_fault_names_the_line():
    assert faults("X-A: 1\n\nX B: 2", "", 200)["headers"].startswith("Line 3:")
    assert faults("X-A: 1\n\nX-B: 2\n", "", 200) == {}
