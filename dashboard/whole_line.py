"""A task's whole line, both ends on it: its sending, all that came between, its end."""

from .models import SentTask
from .subject import Subject, why
from .timeline import Entry, answered, of_attempts, of_refusals
from .words import duration, times


def of_subject(subject: Subject) -> list[Entry]:
    """Return a task's whole line: its beginning, what came between, its end or what comes next."""
    between = [*of_attempts(subject), *of_refusals(subject.refusals)]
    between.sort(key=lambda entry: entry.at or subject.now)
    return [*_beginning(subject), *between, *_end(subject)]


def _beginning(subject: Subject) -> list[Entry]:
    sent = subject.sent
    if sent is None:
        made = subject.begun_at
        lines = ("Not sent from this dashboard",)
        return [Entry(made, "quiet", "Created by another program", lines)] if made else []
    by = sent.created_by.get_username() if sent.created_by else ""
    who = f"Sent by {by}" if by else "Sent by a command"
    due = sent.schedule_time
    first = Entry(
        sent.created_at, "quiet", who, ("To run at" if due else "To run at once",), here=due
    )
    if sent.is_refused:
        return [first, Entry(None, "bad", "Not created", reasons=tuple(why(subject)))]
    text = (sent.answer_text,) if sent.answer_text else ()
    answers = {
        SentTask.Answer.UNKNOWN: Entry(None, "info", "The answer was lost: it may exist", text),
        SentTask.Answer.PENDING: Entry(None, "quiet", "Being sent"),
    }
    answer = answers.get(SentTask.Answer(sent.answer))
    return [first, answer] if answer else [first]


def _end(subject: Subject) -> list[Entry]:
    """Return the end, or what comes next.

    Cloud Tasks tells no time of the end: only when we noticed is known, and of a success when it
    was answered.
    """
    sent, state = subject.sent, SentTask.State
    if sent and sent.is_refused:
        return []
    noticed = sent.ended_at if sent else None
    ends = {
        state.DONE: ("ok", "Done", _round_trip(subject)),
        state.GAVE_UP: ("bad", "Gave up", ("Cloud Tasks has deleted the task without a success.",)),
        state.CANCELLED: ("quiet", "Cancelled", ("It was deleted or purged before its time.",)),
        state.UNKNOWN: ("info", "Ended, unknown how", _why_unknown(subject)),
    }
    if subject.ended and subject.state == state.NOT_ARRIVED:
        reasons = tuple(why(subject))
        return [Entry(None, "bad", "Never arrived", ("Noticed at",), here=noticed, reasons=reasons)]
    if subject.ended and (end := ends.get(state(subject.state))):
        kind, title, lines = end
        if subject.state == state.DONE or noticed is None:
            return [Entry(None, kind, title, lines)]
        return [Entry(None, kind, title, (*lines, "Noticed at"), here=noticed)]
    return _next(subject)


def _next(subject: Subject) -> list[Entry]:
    """Return what a task that has not ended waits for."""
    if subject.state == SentTask.State.DONE:
        return []
    due, reasons = subject.due, tuple(why(subject))
    if subject.exists is not True and subject.state == SentTask.State.UNKNOWN:
        return [Entry(None, "info", "Unknown", _why_unknown(subject))]
    if due and due > subject.now + subject.ahead:
        title = "Next attempt" if subject.dispatch_count else "First attempt"
        reasons = tuple(reason for reason in reasons if reason.at != due)  # said by the entry
        return [Entry(None, "quiet", title, ("At",), here=due, counts=True, reasons=reasons)]
    return [Entry(None, "quiet", "Waiting to be dispatched", reasons=reasons)]


def round_trip(subject: Subject) -> float | None:
    """Return the seconds from the task's sending to our answer of success, if there was one."""
    begun, event = subject.begun_at, subject.succeeded
    if begun is None or event is None:
        return None
    took = (event.took_us or 0) / 1e6
    return max((event.received_at - begun).total_seconds() + took, 0)


def _round_trip(subject: Subject) -> tuple[str, ...]:
    seconds = round_trip(subject)
    return (f"{duration(seconds)} after it was sent",) if seconds is not None else ()


def _why_unknown(subject: Subject) -> tuple[str, ...]:
    sent = subject.sent
    if subject.trouble or (sent and not sent.ended_at):
        return ("Cloud Tasks could not be asked, or knows no such task.",)
    if sent and sent.answer_is_lost:
        return (
            "Cloud Tasks knows no such task and nothing of it has arrived: perhaps never made.",
        )
    if sent and sent.ended_at and subject.due and subject.due > sent.ended_at:
        return ("It left the queue before its time: deleted, purged, or run early.",)
    if sent and subject.attempts:
        last = subject.attempts[-1]
        said = answered(last.status) if last.status else last.error or "never answered"
        return (f"The task has left the queue. Its last attempt, seen by the sender: {said}.",)
    if sent:
        return (
            "The task has left the queue. Its target is not here, so how it ended is not told.",
        )
    return (subject.gone,)


def summary(subject: Subject) -> list[tuple[str, str]]:
    """Return the numbers that only both ends together tell, as (label, value)."""
    found = []
    first = subject.events[0] if subject.events else None
    if first and first.lateness is not None and first.lateness >= 0 and first.attempt == 1:
        found.append(("Lateness", duration(first.lateness)))
    if (seconds := round_trip(subject)) is not None:
        found.append(("Round trip", duration(seconds)))
    if subject.dispatch_count:
        arrived = f", {len(subject.events)} arrived here" if subject.events else ""
        found.append(("Attempts", f"{times(subject.dispatch_count)} tried{arrived}"))
    return found
