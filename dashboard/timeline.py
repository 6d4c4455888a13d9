"""Both ends on one line: what was sent, every attempt that arrived, what was turned away."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from receiver.models import Event, Refusal

from .models import SKEW, SentTask
from .words import duration

MOST = 200


@dataclass(frozen=True)
class Entry:
    """One moment; `kind` is a colour's name of the pills, `lines` go below the title."""

    at: datetime | None
    kind: str
    title: str
    lines: tuple[str, ...] = ()
    event: int | None = None
    here: datetime | None = None  # an instant shown in the reader's zone after the lines
    minute: bool = False  # `at` is a whole minute: nothing is known of the second


def attempts(
    queue: str, task: str, since: datetime | None = None, until: datetime | None = None
) -> list[Event]:
    """Return the events of one task, oldest first, at most 200."""
    found = Event.objects.light().of_task(queue, task).order_by("id")
    found = found.filter(received_at__gte=since) if since else found
    return list((found.filter(received_at__lt=until) if until else found)[:MOST])


def of_events(events: list[Event]) -> list[Entry]:
    """Return one entry an event, with the wait since the one before."""
    entries, previous = [], None
    for event in events:
        lines = []
        if previous:
            lines.append(f"{duration(_gap(previous, event))} after the one before")
        elif event.lateness is not None and event.lateness >= 0:
            lines.append(f"{duration(event.lateness)} after it was due")
        if event.retry_reason:
            lines.append(f"Reason given: {event.retry_reason}")
        if event.reply_name:
            lines.append(f"By the reply: {event.reply_name}")
        kind = "ok" if event.outcome == Event.Outcome.SUCCEEDED else "bad"
        title = f"{_attempt(event)}: {_answer(event.status)}"
        entries.append(Entry(event.received_at, kind, title, tuple(lines), event.pk))
        previous = event
    return entries


def of_sent(sent: SentTask, by: str) -> list[Entry]:
    """Return the beginning: who sent it, and what Cloud Tasks said where it did not say yes."""
    who = f"Sent by {by}" if by else "Sent by a command"
    due = sent.schedule_time
    first = Entry(
        sent.created_at, "quiet", who, ("To run at" if due else "To run at once",), here=due
    )
    text = (sent.answer_text,) if sent.answer_text else ()
    answers = {
        SentTask.Answer.REFUSED: Entry(None, "bad", "Not created", text),
        SentTask.Answer.UNKNOWN: Entry(None, "info", "The answer was lost: it may exist", text),
        SentTask.Answer.PENDING: Entry(None, "quiet", "Being sent"),
    }
    answer = answers.get(SentTask.Answer(sent.answer))
    return [first, answer] if answer else [first]


def of_refusals(
    queue: str, task: str, since: datetime, until: datetime | None = None
) -> list[Entry]:
    """Return requests turned away that claimed to be this task; nothing about them is verified."""
    found = Refusal.objects.filter(task=task, queue=queue, minute__gte=since - SKEW)
    found = found.filter(minute__lt=until) if until else found
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
        for refusal in found.order_by("-id")[:20]
    ]


def of_task(sent: SentTask, events: list[Event], now: datetime) -> list[Entry]:
    """Return the end, or what comes next.

    Cloud Tasks tells no time of the end: only when we noticed is known, and of a success when it
    was answered.
    """
    state = SentTask.State
    if sent.answer == SentTask.Answer.REFUSED:
        return []
    ends = {
        state.DONE: ("ok", "Done", _round_trip(sent, events)),
        state.GAVE_UP: ("bad", "Gave up", ("Cloud Tasks has deleted the task without a success.",)),
        state.CANCELLED: ("quiet", "Cancelled", ("It was deleted or purged before its time.",)),
        state.NOT_ARRIVED: ("bad", "Not arrived", _where_it_went(sent)),
        state.UNKNOWN: ("info", "Unknown", _why_unknown(sent)),
    }
    if sent.ended_at and (end := ends.get(state(sent.state))):
        kind, title, lines = end
        if sent.state == state.DONE:
            return [Entry(None, kind, title, lines)]
        return [Entry(None, kind, title, (*lines, "Noticed at"), here=sent.ended_at)]
    due = sent.next_attempt_at or sent.schedule_time
    if due and due > now:
        title = "Next attempt" if sent.dispatch_count else "First attempt"
        return [Entry(None, "quiet", title, ("At",), here=due)]
    if sent.state == state.UNKNOWN:
        return [Entry(None, "info", "Unknown", _why_unknown(sent))]
    return [] if sent.state == state.DONE else [Entry(None, "quiet", "Waiting to be dispatched")]


def _round_trip(sent: SentTask, events: list[Event]) -> tuple[str, ...]:
    succeeded = [event for event in events if event.outcome == Event.Outcome.SUCCEEDED]
    if not succeeded:
        return ()
    seconds = (succeeded[0].received_at - sent.created_at).total_seconds()
    return (f"{duration(max(seconds, 0))} after it was sent",)


def _where_it_went(sent: SentTask) -> tuple[str, ...]:
    tried = f"Cloud Tasks had tried {sent.dispatch_count} times. " if sent.dispatch_count else ""
    return (
        f"{tried}The task is gone and nothing of it was stored here: it was turned away, deleted, "
        f"purged, or sent to another server at this address.",
    )


def _why_unknown(sent: SentTask) -> tuple[str, ...]:
    due = sent.next_attempt_at or sent.schedule_time
    if sent.ended_at and sent.answer_is_lost:
        return (
            "Cloud Tasks knows no such task and nothing of it has arrived: perhaps never made.",
        )
    if sent.ended_at and due and due > sent.ended_at:
        return ("It left the queue before its time: deleted, purged, or run early.",)
    if sent.ended_at:
        return (
            "The task has left the queue. Its target is not here, so how it ended is not told.",
        )
    return ("Cloud Tasks could not be asked, or knows no such task.",)


def _attempt(event: Event) -> str:
    return f"Attempt {event.attempt}" if event.attempt else "Request"


def _answer(code: int) -> str:
    if not code:
        return "connection dropped"
    try:
        return f"answered {code} {HTTPStatus(code).phrase}"
    except ValueError:
        return f"answered {code}"


def _gap(earlier: Event, later: Event) -> float:
    return max((later.received_at - earlier.received_at).total_seconds(), 0)
