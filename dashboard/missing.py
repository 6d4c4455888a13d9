"""What was sent from here and has not arrived, each task with why."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from receiver.models import Refusal

from . import belongs, gateway, local
from .diagnosis import Reason
from .errors import GatewayError, NotFound
from .models import SKEW, SentTask
from .refresh import ASKED_AT_ONCE, refresh
from .subject import May, Subject, why

PAGE = ASKED_AT_ONCE  # Cloud Tasks is asked about each row of a page
LOOKED, ROUNDS = 200, 5  # rows that are looked through for a page
_STATE = SentTask.State
STATES = (
    *(_STATE.SCHEDULED, _STATE.WAITING, _STATE.RETRYING),
    *(_STATE.UNKNOWN, _STATE.NOT_ARRIVED, _STATE.NONE),
)


@dataclass(frozen=True)
class Missing:
    """One task that has not arrived, with the reasons."""

    sent: SentTask
    reasons: list[Reason]


@dataclass(frozen=True)
class Page:
    """Some of them, newest first; `before` is the key to go on with, None at the end."""

    rows: list[Missing]
    before: int | None
    trouble: str


def find(since: datetime | None, before: int | None, may: May) -> Page:
    """Return a page of the tasks sent since a moment of which nothing has arrived."""
    found, border = _not_arrived(since, before)
    trouble = refresh(found)
    refusals = _refusals(found) if may("receiver.view_refusal") else {}
    is_local = not trouble and local.is_here()
    rows = [
        Missing(sent, why(_subject(sent, refusals.get(sent.pk, []), is_local=is_local)))
        for sent in found
        if sent.state in STATES
    ]
    return Page(rows, border, trouble)


def _not_arrived(since: datetime | None, before: int | None) -> tuple[list[SentTask], int | None]:
    """Return up to a page of tasks without events, and where to go on looking."""
    rows = SentTask.objects.light().select_related("created_by").filter(state__in=STATES)
    rows = rows.filter(created_at__gte=since) if since else rows
    found: list[SentTask] = []
    for _ in range(ROUNDS):
        some = list((rows.filter(pk__lt=before) if before else rows)[:LOOKED])
        events = belongs.events(some, belongs.ends(some))
        for sent in some:
            if len(found) == PAGE:
                return found, before
            before = sent.pk
            if not events[sent.pk]:
                found.append(sent)
        if len(some) < LOOKED:
            return found, None
    return found, before


def _refusals(tasks: list[SentTask]) -> dict[int, list[Refusal]]:
    """Return what was turned away claiming to be one of these, newest first, by the task's key."""
    rows = Refusal.objects.filter(task__in={sent.task_id for sent in tasks}).order_by("-id")
    claims = list(rows[:1000]) if tasks else []
    found: dict[int, list[Refusal]] = defaultdict(list)
    for sent in tasks:
        found[sent.pk] = [
            refusal
            for refusal in claims
            if (refusal.queue, refusal.task) == (sent.queue_id, sent.task_id)
            and refusal.minute >= sent.created_at - 2 * SKEW
        ]
    return found


def _subject(sent: SentTask, refusals: list[Refusal], *, is_local: bool) -> Subject:
    subject = Subject(sent.name, sent.queue, sent.task_id, timezone.now(), sent)
    subject.refusals, subject.ended = refusals, bool(sent.ended_at)
    if subject.ended:
        subject.exists = False
        return subject
    try:
        subject.found, subject.exists = gateway.get_task(sent.name), True
        if is_local:
            subject.ahead = local.ahead()
            subject.attempts = local.attempts(sent.name) if sent.dispatch_count else []
    except NotFound:
        subject.exists = False
    except GatewayError:
        pass
    return subject
