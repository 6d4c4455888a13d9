"""What gave up, whoever sent it: Cloud Tasks deletes such tasks and keeps no list of them.

A task gave up if its last event failed and Cloud Tasks has it no more.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db.models import Count, Max

from receiver.models import Event

from . import belongs, gateway, names
from .cache import kept_for
from .errors import GatewayError, NotFound
from .models import SKEW, SentTask
from .refresh import ASKED_AT_ONCE, refresh

PAGE = ASKED_AT_ONCE  # Cloud Tasks is asked about each row of a page
LOOKED, ROUNDS = 200, 5  # failed events that are looked through for a page
Key = tuple[str, str]  # short ids of queue and task


@dataclass(frozen=True)
class GaveUp:
    """One task, by its last event; `sent` is None where another program sent it.

    `sure` is False where its queue is none of ours, so that it may be tried still.
    """

    event: Event
    name: str
    attempts: int
    sent: SentTask | None
    sure: bool


@dataclass(frozen=True)
class Page:
    """Some of them, newest first; `before` is the event's key to go on with, None at the end."""

    rows: list[GaveUp]
    before: int | None
    trouble: str


def find(since: datetime | None, before: int | None) -> Page:
    """Return a page of the tasks whose last event, since a moment, failed and that are gone."""
    events, border = _last_failures(since, before)
    counts = _last_and_count(events)
    senders = _senders(events)
    trouble = refresh([sent for sent in senders.values() if not sent.ended_at])
    found: list[GaveUp] = []
    for event in [] if trouble else events:
        sent = senders.get(event.pk)
        try:
            name = sent.name if sent else f"{names.queue_name(event.queue)}/tasks/{event.task}"
            sure = sent is not None or _is_ours(event.queue)
            gone = sent.state == SentTask.State.GAVE_UP if sent else not sure or _is_gone(name)
        except ValidationError:
            continue  # no queue of Cloud Tasks has such a name
        except GatewayError as error:
            return Page(found, border, str(error))
        if gone:
            attempts = max(event.attempt or 0, counts[_key(event)][1])
            found.append(GaveUp(event, name, attempts, sent, sure))
    return Page(found, border, trouble)


def _last_failures(since: datetime | None, before: int | None) -> tuple[list[Event], int | None]:
    """Return up to a page of failed events that are their tasks' last, and where to go on."""
    rows = Event.objects.light().failed().exclude(task="").order_by("-id")
    rows = rows.filter(received_at__gte=since) if since else rows
    found: list[Event] = []
    for _ in range(ROUNDS):
        some = list((rows.filter(pk__lt=before) if before else rows)[:LOOKED])
        counts, successes = _last_and_count(some), _successes(some)
        for event in some:
            if len(found) == PAGE:
                return found, before
            before = event.pk
            if counts[_key(event)][0] == event.pk and not _succeeded(event, successes):
                found.append(event)
        if len(some) < LOOKED:
            return found, None
    return found, before


def _key(event: Event) -> Key:
    return event.queue, event.task


def _last_and_count(events: list[Event]) -> dict[Key, tuple[int, int]]:
    """Return the last event's key and the number of events of each task."""
    rows = Event.objects.filter(task__in={event.task for event in events}).order_by()
    grouped = rows.values_list("queue", "task").annotate(last=Max("id"), count=Count("id"))
    return {(queue, task): (last, count) for queue, task, last, count in grouped}


def _successes(events: list[Event]) -> dict[Key, list[datetime]]:
    found: dict[Key, list[datetime]] = defaultdict(list)
    rows = Event.objects.succeeded().filter(task__in={event.task for event in events}).order_by()
    for queue, task, at in rows.values_list("queue", "task", "received_at"):
        found[queue, task].append(at)
    return found


def _succeeded(event: Event, successes: dict[Key, list[datetime]]) -> bool:
    """Say whether its task succeeded before, and was delivered once more than was needed."""
    return any(at > event.received_at - belongs.RESTS for at in successes[_key(event)])


def _senders(events: list[Event]) -> dict[int, SentTask]:
    """Return what was sent from here, by the keys of its events."""
    rows = SentTask.objects.light().select_related("created_by")
    rows = rows.filter(task_id__in={event.task for event in events})
    rows = rows.exclude(answer=SentTask.Answer.REFUSED).order_by("-id")
    sent = list(rows) if events else []
    found = {}
    for event in events:
        mine = (
            one
            for one in sent
            if (one.queue_id, one.task_id) == _key(event)
            and one.created_at <= event.received_at + SKEW
        )
        if first := next(mine, None):
            found[event.pk] = first
    return found


@kept_for(20)
def _is_gone(name: str) -> bool:
    """Say whether Cloud Tasks has it no more; kept 20 s, for many open pages."""
    try:
        gateway.get_task(name)
    except NotFound:
        return True
    return False


@kept_for(20)
def _is_ours(queue: str) -> bool:
    """Say whether a queue is one of the settings' project and location."""
    return queue in {one.id for one in gateway.list_queues()}
