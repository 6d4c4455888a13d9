"""Entries of a timeline: what arrived, what only the sender saw, what was turned away."""

from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus

from receiver.models import Event, Refusal

from . import identity, local
from .diagnosis import Reason
from .subject import MOST, Subject
from .words import duration, took


@dataclass(frozen=True)
class Entry:
    """One moment; `kind` is a colour's name of the pills, `lines` go below the title.

    `here` is an instant shown in the reader's zone after the lines, counted down to where
    `counts` says so. `minute`: `at` is a whole minute, nothing is known of the second.
    """

    at: datetime | None
    kind: str
    title: str
    lines: tuple[str, ...] = ()
    event: int | None = None
    here: datetime | None = None
    minute: bool = False
    counts: bool = False
    signed: str = ""
    ticks: tuple[identity.Tick, ...] = ()
    reasons: tuple[Reason, ...] = ()


def attempts(
    queue: str, task: str, since: datetime | None = None, until: datetime | None = None
) -> list[Event]:
    """Return the events of one task, oldest first; of more than 200 the newest."""
    found = Event.objects.light().of_task(queue, task).order_by("-id")
    found = found.filter(received_at__gte=since) if since else found
    return list((found.filter(received_at__lt=until) if until else found)[:MOST])[::-1]


def of_events(events: list[Event]) -> list[Entry]:
    """Return one entry an event, with the wait since the one before."""
    entries, previous = [], None
    for event in events:
        entries.append(_of_event(event, previous))
        previous = event
    return entries


def _of_event(event: Event, previous: Event | None) -> Entry:
    lines = []
    if previous:
        lines.append(f"{duration(_gap(previous, event))} after the one before")
    elif event.lateness is not None and event.lateness >= 0:
        lines.append(f"{duration(event.lateness)} after it was due")
    got = f"Got {event.method} {event.path}, {event.body_size:,} bytes"
    quick = "" if event.took_us is None else f"; answered within {took(event.took_us / 1e6)}"
    lines.append(got + quick)
    if event.retry_reason:
        lines.append(f"Reason given: {event.retry_reason}")
    if event.reply_name:
        lines.append(f"By the reply: {event.reply_name}")
    return Entry(
        event.received_at,
        "ok" if event.outcome == Event.Outcome.SUCCEEDED else "bad",
        f"{_attempt(event)}: {answered(event.status)}",
        tuple(lines),
        event.pk,
        signed=identity.signed_by(event),
        ticks=tuple(identity.ticks(event)),
    )


def of_attempts(subject: Subject) -> list[Entry]:
    """Return the attempts: those that arrived, with what a local Cloud Tasks tells of them.

    Those that it made and that did not arrive here are there too.
    """
    entries = of_events(subject.events)
    made = list(subject.attempts)
    found = []
    for event, entry in zip(subject.events, entries, strict=True):
        mine = next(
            (one for one in made if one.number == event.attempt and _fits(one, event)), None
        )
        if mine:
            made.remove(mine)
            entry = replace(entry, lines=(*entry.lines, *_seen_by_sender(mine)))
        found.append(entry)
    if subject.arrived and not subject.events:
        return found  # the reader may not see them, so not by this way either
    return [*found, *(_of_attempt(one) for one in made)]


def _fits(made: local.Attempt, event: Event) -> bool:
    return made.status == (event.status or None) or made.status is None


def _seen_by_sender(made: local.Attempt) -> list[str]:
    words = [
        "run now by RunTask" if made.forced else "",
        "delivered once more on purpose" if made.extra else "",
        f"the sender waited {took(made.seconds)}" if made.seconds is not None else "",
        made.error,
    ]
    return [", ".join(word for word in words if word).capitalize()] if any(words) else []


def _of_attempt(made: local.Attempt) -> Entry:
    if made.ended_at is None:
        kind, outcome = "quiet", "under way"
    elif made.status is None:
        kind, outcome = "bad", "no answer"
    else:
        kind, outcome = "ok" if made.ok else "bad", answered(made.status)
    lines = [f"To {made.method} {made.url}", *_seen_by_sender(made)]
    return Entry(made.at, kind, f"Attempt {made.number}: {outcome}", tuple(lines))


def of_refusals(refusals: list[Refusal]) -> list[Entry]:
    """Return requests turned away that claimed to be this task; nothing about them is verified."""
    return [
        Entry(
            refusal.minute,
            "info",
            f"Turned away: {refusal.get_reason_display()}",
            (
                f"{refusal.count} in this minute for this reason, the last one claiming this task",
                *([f"Account claimed: {refusal.account}"] if refusal.account else []),
                *([f"Audience claimed: {refusal.audience}"] if refusal.audience else []),
            ),
            minute=True,
        )
        for refusal in refusals
    ]


def _attempt(event: Event) -> str:
    return f"Attempt {event.attempt}" if event.attempt else "Request"


def answered(code: int) -> str:
    """Return what was answered, in words."""
    if not code:
        return "connection dropped"
    try:
        return f"answered {code} {HTTPStatus(code).phrase}"
    except ValueError:
        return f"answered {code}"


def _gap(earlier: Event, later: Event) -> float:
    return max((later.received_at - earlier.received_at).total_seconds(), 0)
