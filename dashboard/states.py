"""What became of a task, from what Cloud Tasks and the receiver tell: one pure rule."""

from dataclasses import dataclass
from datetime import datetime

SCHEDULED = "scheduled"
WAITING = "waiting"
RETRYING = "retrying"
DONE = "done"
GAVE_UP = "gave up"
CANCELLED = "cancelled"
NOT_ARRIVED = "not arrived"
UNKNOWN = "unknown"
NONE = ""


@dataclass(frozen=True)
class Known:
    """What is known of one task at one moment.

    `exists` is GetTask's answer: True, False, or None where it could not be asked. `succeeded_as`
    is the attempt, from 1, of the last event that we answered 2xx; 0 where there is none.
    `before` is the state that was known until now; `too_late` that a lost answer cannot be asked
    for again by sending under the same name.
    """

    answer: str
    exists: bool | None
    now: datetime
    before: str = UNKNOWN
    too_late: bool = False
    schedule_time: datetime | None = None
    dispatch_count: int = 0
    response_count: int = 0
    succeeded_as: int = 0
    failed: int = 0
    ours: bool = True  # the target is this receiver, so that a delivery makes an event
    refused: bool = False  # a request that claimed to be this task was turned away


def state_of(known: Known) -> tuple[str, bool]:
    """Return the task's state and whether it is its last."""
    if known.answer == "refused":
        return NONE, True
    if known.exists:
        return _alive(known), False
    if known.succeeded_as:
        return DONE, True
    return _gone(known) if known.exists is False else (_unasked(known), False)


def _alive(known: Known) -> str:
    # For a moment after our 2xx the task is still there; it goes on only if the answer was lost.
    if known.succeeded_as and known.dispatch_count <= known.succeeded_as:
        return DONE
    if known.response_count or known.dispatch_count > 1:
        return RETRYING
    if not known.dispatch_count and known.schedule_time and known.schedule_time > known.now:
        return SCHEDULED
    return WAITING


def _gone(known: Known) -> tuple[str, bool]:
    if known.answer != "created" and not known.failed:
        return UNKNOWN, known.too_late  # it may never have been made
    if known.failed:
        return GAVE_UP, True
    if not known.ours:
        # A target elsewhere tells us nothing, and Cloud Tasks not how a task ended.
        return UNKNOWN, True
    if known.schedule_time and known.schedule_time > known.now and not known.refused:
        return CANCELLED, True  # gone before its time and not run early: deleted or purged
    return NOT_ARRIVED, True


def _unasked(known: Known) -> str:
    return RETRYING if known.failed else known.before
