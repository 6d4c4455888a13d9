"""Which answers, events and refusals belong to which sent task, since names are used again.

A row owns what came between its own creation and that of the next row of the same name, or the
moment at which somebody else could have the name.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from receiver.models import Event, Refusal

from .models import SAFE_TO_REPEAT, SKEW, SentTask
from .resources import Task

EVENTS_READ = 2000
# A name rests for about an hour after its task has ended; nobody has it before.
RESTS = timedelta(hours=1)


def ends(tasks: list[SentTask]) -> dict[int, datetime]:
    """Return from when on the name may be another task's, for those of whom that is known."""
    rows = SentTask.objects.filter(name__in={task.name for task in tasks})
    rows = rows.exclude(answer=SentTask.Answer.REFUSED).order_by("-id")
    later = list(rows.values_list("id", "name", "created_at")) if tasks else []
    found = {
        task.pk: task.ended_at + RESTS for task in tasks if task.ended_at and not task.random_name
    }
    for task in tasks:
        for pk, name, created_at in later:  # newest first, so that the next one stays
            if name == task.name and pk > task.pk:
                found[task.pk] = min(created_at, found.get(task.pk, created_at))
    return found


def sender(event: Event) -> SentTask | None:
    """Return the task, sent from here, that this event is of: with its name, and sent before it."""
    if not event.task:
        return None
    named = SentTask.objects.light().of_event(event.queue, event.task)
    named = named.exclude(answer=SentTask.Answer.REFUSED)
    before = named.filter(created_at__lte=event.received_at).first()
    # By two clocks an event may seem to be a little older than its task.
    skewed = named.filter(created_at__lte=event.received_at + SKEW).last()
    sent = before or skewed
    if sent is None or _within(event.received_at, sent, ends([sent]).get(sent.pk)):
        return sent
    return None


def is_of(found: Task, task: SentTask, end: datetime | None) -> bool:
    """Say whether the task that GetTask showed is this row's, not another of the same name."""
    made = found.create_time
    if made is None:
        return True
    if made > task.created_at + SAFE_TO_REPEAT + 2 * SKEW:
        return False  # later nothing is sent again under this name from here
    # Names are free again after an hour or more: the nearer creation is the right one, whatever
    # the clocks differ by.
    if end and made > task.created_at + (end - task.created_at) / 2:
        return False
    return not (task.answer_is_lost and made < task.created_at - SKEW)


def events(
    tasks: list[SentTask], until: dict[int, datetime]
) -> dict[int, list[tuple[datetime, str, int | None]]]:
    """Return the (received_at, outcome, retry_count) of each task's events."""
    arrived: dict[tuple[str, str], list[tuple[datetime, str, int | None]]] = defaultdict(list)
    if tasks:
        since = min(task.created_at for task in tasks) - SKEW
        rows = Event.objects.filter(task__in={task.task_id for task in tasks})
        rows = rows.filter(received_at__gte=since).order_by("-id")
        fields = rows.values_list("queue", "task", "received_at", "outcome", "retry_count")
        for queue, name, at, outcome, retry_count in fields[:EVENTS_READ]:
            arrived[queue, name].append((at, outcome, retry_count))
    return {
        task.pk: [
            event
            for event in arrived[task.queue_id, task.task_id]
            if _within(event[0], task, until.get(task.pk))
        ]
        for task in tasks
    }


def refused(tasks: Iterable[SentTask], until: dict[int, datetime]) -> set[int]:
    """Return which of these tasks a request that was turned away has claimed to be."""
    tasks = list(tasks)
    if not tasks:
        return set()
    rows = Refusal.objects.filter(task__in={task.task_id for task in tasks})
    claims = list(rows.values_list("queue", "task", "minute"))
    return {
        task.pk
        for task in tasks
        for queue, name, minute in claims
        if (queue, name) == (task.queue_id, task.task_id)
        and _within(minute, task, until.get(task.pk))
    }


def _within(moment: datetime, task: SentTask, end: datetime | None) -> bool:
    return task.created_at - SKEW <= moment and (end is None or moment < end)
