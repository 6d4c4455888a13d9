"""Asks what became of sent tasks: GetTask first, then the events, so that no end is missed."""

from collections import defaultdict
from collections.abc import Iterable

from django.utils import timezone

from receiver.models import Event

from . import gateway
from .errors import GatewayError, NotFound
from .models import SKEW, SentTask
from .resources import Task

ASKED_AT_ONCE = 20  # GetTask calls that one page may cost
EVENTS_READ = 2000
REMEMBERED = [
    "answer",
    "answer_text",
    "state",
    "ended_at",
    "seen_at",
    "dispatch_count",
    "response_count",
    "next_attempt_at",
    "first_attempt_at",
    "last_attempt_at",
    "last_attempt_text",
]


def refresh(tasks: Iterable[SentTask], limit: int = ASKED_AT_ONCE) -> str:
    """Bring the states of these tasks up to date, in place and in the database.

    Finished tasks are left alone; at most `limit` others are asked about. Returns the sentence of
    what kept Cloud Tasks from answering, or an empty string.
    """
    open_tasks = [task for task in tasks if not task.ended_at][:limit]
    before = {task.pk: _remembered(task) for task in open_tasks}
    trouble, answers = _ask(open_tasks)
    events = _events(open_tasks)
    for task in open_tasks:
        exists, found = answers.get(task.pk, (None, None))
        if found:
            _remember(task, found)
        task.judge(exists, events[task.queue_id, task.task_id])
    changed = [task for task in open_tasks if _remembered(task) != before[task.pk]]
    if changed:
        SentTask.objects.bulk_update(changed, REMEMBERED)
    return trouble


def _ask(tasks: list[SentTask]) -> tuple[str, dict[int, tuple[bool, Task | None]]]:
    answers: dict[int, tuple[bool, Task | None]] = {}
    for task in tasks:
        try:
            answers[task.pk] = True, gateway.get_task(task.name)
        except NotFound:
            answers[task.pk] = False, None
        except GatewayError as error:
            return str(error), answers  # the next would wait for the same deadline
    return "", answers


def _events(tasks: list[SentTask]) -> dict[tuple[str, str], list[tuple[str, int | None]]]:
    events: dict[tuple[str, str], list[tuple[str, int | None]]] = defaultdict(list)
    if tasks:
        since = min(task.created_at for task in tasks) - SKEW
        rows = Event.objects.filter(task__in={task.task_id for task in tasks})
        rows = rows.filter(received_at__gte=since).order_by("-id")
        fields = rows.values_list("queue", "task", "outcome", "retry_count")[:EVENTS_READ]
        for queue, name, outcome, retry_count in fields:
            events[queue, name].append((outcome, retry_count))
    return events


def _remember(task: SentTask, found: Task) -> None:
    task.seen_at = timezone.now()
    task.dispatch_count = found.dispatch_count
    task.response_count = found.response_count
    task.next_attempt_at = found.schedule_time
    task.first_attempt_at = found.first_attempt_at
    task.last_attempt_at = found.last_attempt_at
    task.last_attempt_text = found.last_attempt_text[:500]


def _remembered(task: SentTask) -> list[object]:
    # `seen_at` alone is no change: it would make every look at a page a write.
    return [getattr(task, name) for name in REMEMBERED if name != "seen_at"]
