"""The search box's language, as a table."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.query import FIELDS, parse

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def read(typed):
    query = parse(typed, NOW)
    assert query.problem == ""
    return [("-" if one.negated else "") + f"{one.name}={one.value}" for one in query.terms]


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("", []),
        ("   ", []),
        ("word", ["text=word"]),
        ("two words", ["text=two", "text=words"]),
        ('"two words"', ["text=two words"]),
        (r'"a \"b\" \\ c"', [r'text=a "b" \ c']),
        ("-word", ["-text=word"]),
        ('-"two words"', ["-text=two words"]),
        ('{"a":1}', ['text={"a":1}']),
        ('"a":1', ['text="a":1']),
        ("12:30", ["text=12:30"]),
        ("http://x.example/?a=b", ["text=http://x.example/?a=b"]),
        ("a-b", ["text=a-b"]),
        ("naïve 你好 💚", ["text=naïve", "text=你好", "text=💚"]),
        ("queue:emails", ["queue=emails"]),
        ("QUEUE:Emails", ["queue=Emails"]),
        ('queue:"with blanks"', ["queue=with blanks"]),
        ("task:order-17* -task:order-171", ["task=order-17*", "-task=order-171"]),
        ("status:503 status:5xx status:0", ["status=503", "status=5xx", "status=0"]),
        ("status:5XX", ["status=5xx"]),
        ("outcome:Failed", ["outcome=failed"]),
        ("header:x-shard", ["header=x-shard"]),
        ('header:X-Shard="a b"', ["header=X-Shard=a b"]),
        ('header:"X-Shard=a b"', ["header=X-Shard=a b"]),
        ("account:tasks@*", ["account=tasks@*"]),
        ("source:Cloud-Scheduler", ["source=cloud-scheduler"]),
        ("path:/receive/*", ["path=/receive/*"]),
        ("after:2h word", ["after=2h", "text=word"]),
    ],
)
def test_what_is_typed_becomes_terms(typed, terms):
    assert read(typed) == terms


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("5m", NOW - timedelta(minutes=5)),
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T14:30", datetime(2026, 1, 31, 14, 30, tzinfo=UTC)),
        ("2026-01-31T14:30:05Z", datetime(2026, 1, 31, 14, 30, 5, tzinfo=UTC)),
        ("2026-01-31T14:30+02:00", datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
        ('"2026-01-31 14:30"', datetime(2026, 1, 31, 14, 30, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("name", ["before", "after"])
def test_times(name, typed, moment):
    (term,) = parse(f"{name}:{typed}", NOW).terms
    assert (term.name, term.moment) == (name, moment)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ('"open', 'A quotation mark is not closed: "open'),
        ('a queue:"b', 'A quotation mark is not closed: queue:"b'),
        ("-", "A minus sign needs a word after it"),
        ("que:emails", "There is no field que: . Did you mean queue: ?"),
        ("zzz:1", "There is no field zzz: . Text with a colon goes into quotes."),
        ("queue:", "Nothing stands after queue: . For example queue:emails"),
        ("status:6xx", "6xx is no status. It is 503, 5xx, or 0"),
        ("status:50", "50 is no status"),
        ("batch:0", "0 is no batch. It is a number"),
        ("batch:1234567890123456789", "is no batch"),
        ("batch:7*", "7* is no batch"),
        ("outcome:maybe", "maybe is no outcome. There are succeeded, failed."),
        ("source:x", "x is no source. There are cloud-tasks, "),
        ("header:=7", "A header is looked for by its name"),
        ("header:a(b", "A header is looked for by its name"),
        ("after:yesterday", "yesterday is no time. A date is 2026-01-31"),
        ("before:99999999999d", "is no time"),
        ("after:999999w", "is no time"),
        ("after:0001-01-01T00:00+14:00", "is no time"),
        ("-after:2h", "-after: says nothing; use before: instead."),
        ("a " * 21, "At most 20 terms"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(typed, says):
    assert says in parse(typed, NOW).problem


def test_each_example_of_the_help_can_be_read():
    for field in FIELDS.values():
        assert len(read(field.example)) == 1
