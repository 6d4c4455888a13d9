"""When a task was really tried, beside when its queue meant to: the waits of both."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from receiver.models import Event

from . import course_chart, retry_chart, words
from .local import Attempt
from .retry_plan import Plan, RetryConfig, plan
from .subject import Subject, queue_of

AHEAD = 2  # planned attempts shown beyond those that were made
FIRST, MOST = 5, 50  # attempts that are shown, at least and at most


@dataclass(frozen=True)
class Made:
    """One attempt as it was; `kind` is a colour's name of the pills, `forced` by RunTask."""

    number: int
    at: datetime
    ended_at: datetime
    kind: str
    forced: bool = False


@dataclass(frozen=True)
class Step:
    """One attempt: seconds after the end of the one before, as planned and as they were.

    None where nothing is planned, or where it was not made or not seen, or is the first.
    """

    number: int
    planned: float | None
    really: float | None
    made: Made | None


def of_subject(subject: Subject) -> dict[str, Any] | None:
    """Return the plan of a task beside its attempts; None where there is nothing to compare."""
    hidden = bool(subject.arrived) and not subject.events  # the reader may not see them
    queue, _ = queue_of(subject.queue)
    if hidden or queue is None or (subject.sent and subject.sent.is_refused):
        return None
    found, done = plan(RetryConfig.of(queue)), attempts(subject)
    if (found.attempts == 1 and len(done) < 2) or (subject.ended and len(done) < 2):
        return None
    rows = steps(found, done)
    first = done[0].at if done and done[0].number == 1 else None
    return {
        "planned": words.planned(found),
        "made": in_words(done),
        "chart": course_chart.draw(found, done, rows) if done else retry_chart.draw(found),
        "steps": rows,
        "last": done[-1].number if done else 0,
        "gives_up_at": first + timedelta(seconds=found.lasts)
        if first and not subject.ended and not found.expires
        else None,
    }


def attempts(subject: Subject) -> list[Made]:
    """Return the attempts that were made, each once, by their numbers.

    An event tells more exactly than its sender; what was delivered once more on purpose is none.
    """
    found: dict[int, Made] = {}
    for made in (*_of_events(subject.events), *_of_attempts(subject.attempts)):
        kept = found.setdefault(made.number, made)
        if made.forced and not kept.forced:
            found[made.number] = Made(kept.number, kept.at, kept.ended_at, kept.kind, forced=True)
    return [found[number] for number in sorted(found)]


def _of_events(events: Iterable[Event]) -> Iterable[Made]:
    for event in events:
        if event.attempt:
            ended_at = event.received_at + timedelta(microseconds=event.took_us or 0)
            kind = "ok" if event.outcome == Event.Outcome.SUCCEEDED else "bad"
            yield Made(event.attempt, event.received_at, ended_at, kind)


def _of_attempts(attempts: Iterable[Attempt]) -> Iterable[Made]:
    for one in attempts:
        if not one.extra:
            kind = "quiet" if one.ended_at is None else "ok" if one.ok else "bad"
            yield Made(one.number, one.at, one.ended_at or one.at, kind, one.forced)


def steps(found: Plan, done: list[Made]) -> list[Step]:
    """Return the attempts that were made, with the next ones that are planned.

    Of more than 50 the first ones; after a success nothing is planned any more.
    """
    by_number = {made.number: made for made in done}
    last = done[-1].number if done else 0
    ended = bool(done) and done[-1].kind == "ok"
    until = last if ended else max(last, min(found.attempts, max(last + AHEAD, FIRST)))
    return [_step(found, by_number, number) for number in range(1, min(until, MOST) + 1)]


def _step(found: Plan, by_number: dict[int, Made], number: int) -> Step:
    made, before = by_number.get(number), by_number.get(number - 1)
    planned = found.config.wait(number - 1) if 1 < number <= found.attempts else None
    waited = max((made.at - before.ended_at).total_seconds(), 0) if made and before else None
    return Step(number, planned, waited, made)


def in_words(done: list[Made]) -> str:
    """Return how many attempts were made, and within which time; nothing for none.

    >>> now = datetime(2026, 1, 1)
    >>> in_words([Made(1, now, now, "bad"), Made(2, now + timedelta(seconds=3), now, "ok")])
    '2 attempts within 3 s'
    """
    if not done:
        return ""
    count = done[-1].number
    took = (done[-1].at - done[0].at).total_seconds()
    within = f" within {words.duration(took)}" if count > 1 else ""
    return f"{count:,} attempt{'s' if count > 1 else ''}{within}"
