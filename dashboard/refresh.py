"""Asks what became of sent tasks: GetTask first, then the events, so that no end is missed."""

from collections.abc import Iterable

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from . import belongs, gateway, local
from .drafts import under_receiver
from .errors import GatewayError, NotFound
from .judge import judge
from .models import SKEW, SentTask
from .resources import Task

ASKED_AT_ONCE = 20  # GetTask calls that one page may cost
# GetTask's word by the row's key: whether the task exists (None: could not be asked), and it.
Answers = dict[int, tuple[bool | None, Task | None]]
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

    Finished tasks are left alone; at most `limit` others are asked about, and of the rest only the
    events are looked at. Returns the sentence of what kept Cloud Tasks from answering, or of what
    kept the states from being written, or an empty string.
    """
    open_tasks = [task for task in tasks if not task.ended_at]
    trouble, answers = _ask(open_tasks[:limit])
    before = {task.pk: _remembered(task) for task in open_tasks}
    _judge(open_tasks, answers)
    changed = [task for task in open_tasks if _remembered(task) != before[task.pk]]
    unsaved = _save(changed)
    return trouble or unsaved


def _save(changed: list[SentTask]) -> str:
    try:
        if changed:
            SentTask.objects.bulk_update(changed, REMEMBERED)
    except (OperationalError, InterfaceError):
        # What was read is shown all the same; the next look writes it.
        return "The database could not be written; what is shown here is up to date."
    return ""


def _ask(tasks: list[SentTask]) -> tuple[str, Answers]:
    answers: Answers = {}
    for task in tasks:
        try:
            answers[task.pk] = True, gateway.get_task(task.name)
        except NotFound:
            answers[task.pk] = False, None
        except GatewayError as error:
            answers[task.pk] = None, None
            return str(error), answers  # the next would wait for the same deadline
    return "", answers


def _judge(tasks: list[SentTask], answers: Answers) -> None:
    until = belongs.ends(tasks)
    events = belongs.events(tasks, until)
    exists: dict[int, bool | None] = {}
    for task in tasks:
        exists[task.pk], found = answers.get(task.pk, (None, None))
        if found and belongs.is_of(found, task, until.get(task.pk)):
            _remember(task, found)
        elif found:
            exists[task.pk] = False  # the name is another task's by now
    gone = [task for task in tasks if exists[task.pk] is False and not events[task.pk]]
    refused = belongs.refused(gone, until)
    for task in tasks:
        # Without Cloud Tasks' word an event from before may be an earlier task's of this name.
        arrived: list[tuple[str, int | None]] = [
            (outcome, retry)
            for at, outcome, retry in events[task.pk]
            if exists[task.pk] is not None or at >= task.created_at
        ]
        if exists[task.pk] is False and not under_receiver(task.url):
            told = local.outcomes(task.name, task.created_at - SKEW)
            exists[task.pk] = False if told is not None else None
            arrived += told or []
        judge(task, exists[task.pk], arrived, refused=task.pk in refused)


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
