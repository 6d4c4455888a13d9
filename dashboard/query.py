"""The search box's language: what was typed, as terms, or a sentence on what cannot be read."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from receiver.models import Event

SOURCES = tuple(Event.Source.values)
OUTCOMES = tuple(Event.Outcome.values)
MOST_TERMS = 20
_TOKEN = re.compile(
    r"""(?P<minus>-)?(?:(?P<name>[A-Za-z][A-Za-z_-]*):(?!//))?(?P<value>(?:"(?:[^"\\]|\\.)*"|[^\s"])*)"""
)
_AGO = re.compile(r"(\d{1,6})(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Unreadable(ValueError):
    """A term that means nothing; its text is the sentence that the reader sees."""


@dataclass(frozen=True)
class Term:
    """One thing asked for: a field's value, or words of the body where `name` is "text"."""

    name: str
    value: str
    negated: bool = False
    moment: datetime | None = None  # of before and after
    chosen: bool = False  # beside the box: a star is no more than a star, and all of them hold


@dataclass(frozen=True)
class Query:
    """Everything asked for; `problem` is a sentence where something could not be read."""

    terms: tuple[Term, ...] = ()
    problem: str = ""

    def of(self, name: str, negated: bool = False) -> list[Term]:
        """Return the terms of one field."""
        return [one for one in self.terms if (one.name, one.negated) == (name, negated)]


def parse(typed: str, now: datetime) -> Query:
    """Read a search; `now` is what `after:2h` counts back from."""
    terms: list[Term] = []
    try:
        for part in _parts(typed):
            terms.append(_term(part, now))
        if len(terms) > MOST_TERMS:
            raise Unreadable(f"At most {MOST_TERMS} terms are looked for at once.")
    except Unreadable as problem:
        return Query(tuple(terms), str(problem))
    return Query(tuple(terms))


def _parts(typed: str) -> list[re.Match[str]]:
    found, place = [], 0
    while place < len(typed):
        if typed[place].isspace():
            place += 1
            continue
        part = _TOKEN.match(typed, place)
        if part is None or part.end() == place or typed[part.end() : part.end() + 1] == '"':
            raise Unreadable(f"A quotation mark is not closed: {typed[place : place + 40]}")
        found.append(part)
        place = part.end()
    return found


def _term(part: re.Match[str], now: datetime) -> Term:
    name, negated = (part["name"] or "").lower(), bool(part["minus"])
    value = _unquoted(part["value"])
    if not name:
        if not value:
            raise Unreadable("A minus sign needs a word after it: -word, or in quotes.")
        return Term("text", value, negated)
    if name not in FIELDS:
        near = difflib.get_close_matches(name, FIELDS, 1)
        meant = f"Did you mean {near[0]}: ? " if near else ""
        raise Unreadable(f"There is no field {name}: . {meant}Text with a colon goes into quotes.")
    if not value:
        raise Unreadable(f"Nothing stands after {name}: . For example {FIELDS[name].example}")
    if name in ("before", "after"):
        if negated:
            other = {"before": "after", "after": "before"}[name]
            raise Unreadable(f"-{name}: says nothing; use {other}: instead.")
        return Term(name, value, moment=moment(value, now))
    return Term(name, FIELDS[name].read(value), negated)


def _unquoted(text: str) -> str:
    # Quotes around the whole: those inside of {"a":1} are part of what is looked for.
    whole = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', text)
    return re.sub(r'\\(["\\])', r"\1", whole[1]) if whole else text


def moment(value: str, now: datetime) -> datetime:
    """Read an instant: a date, a date and time (UTC unless it says otherwise), or 2h for ago."""
    ago = _AGO.fullmatch(value)
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(
            f"{value} is no time. A date is 2026-01-31, a time 2026-01-31T14:30 (UTC), 2h is two"
            " hours ago (s, m, h, d, w)."
        ) from None


def _as_typed(value: str) -> str:
    return value


def _status(value: str) -> str:
    if re.fullmatch(r"[1-5](\d\d|xx)|0", value.lower()):
        return value.lower()
    raise Unreadable(f"{value} is no status. It is 503, 5xx, or 0 for a dropped connection.")


def _number(value: str) -> str:
    if re.fullmatch(r"[1-9]\d{0,17}", value, re.ASCII):
        return value
    raise Unreadable(f"{value} is no batch. It is a number, as in the title of the batch's page.")


def _one_of(what: str, values: tuple[str, ...]) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.lower() in values:
            return value.lower()
        raise Unreadable(f"{value} is no {what}. There are {', '.join(values)}.")

    return read


def _header(value: str) -> str:
    name, equals, wanted = value.partition("=")
    if re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        return name + equals + _unquoted(wanted)
    raise Unreadable("A header is looked for by its name, header:x-shard, or header:x-shard=7.")


@dataclass(frozen=True)
class Field:
    """One field of the language: how its value is read, and what the help says of it."""

    example: str
    says: str
    read: Callable[[str], str] = field(default=_as_typed)


FIELDS = {
    "queue": Field("queue:emails", "the queue's id"),
    "task": Field("task:order-17*", "the task's id; * at the end for those that begin so"),
    "status": Field(
        "status:5xx", "what we answered: 503, 5xx, 0 for a dropped connection", _status
    ),
    "outcome": Field("outcome:failed", " or ".join(OUTCOMES), _one_of("outcome", OUTCOMES)),
    "header": Field("header:x-shard=7", "a header, or one with this value (* at the end)", _header),
    "account": Field("account:tasks@*", "the caller's account"),
    "source": Field("source:pubsub", ", ".join(SOURCES), _one_of("source", SOURCES)),
    "path": Field("path:/receive/orders*", "the path that was asked for"),
    "batch": Field("batch:12", "the number of the batch that its task was sent by", _number),
    "after": Field("after:2h", "received since: a date, a time in UTC, or 30m, 2h, 7d ago"),
    "before": Field("before:2026-01-31", "received before it"),
}
