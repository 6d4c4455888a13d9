"""Finds a task by what a person has of it: its full name, or its short id alone."""

import re
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import ValidationError

from receiver.models import Event

from . import names
from .models import SentTask

MOST = 20


def full_names(text: str, may: Callable[[str], bool]) -> list[str]:
    """Return the full names that this text can stand for; raises ValidationError for none.

    An id is looked for among what was sent from here and among the events, where the reader may
    see those; one that is nowhere is taken to be of the usual queue.
    """
    if "/" in text or not re.fullmatch(names.TASK, text):
        names.split_task(text)
        return [text]
    sent = SentTask.objects.filter(task_id=text).order_by().values_list("name", flat=True)
    found = set(sent.distinct()[:MOST])
    if may("receiver.view_event"):
        queues = Event.objects.filter(task=text).order_by().values_list("queue", flat=True)
        for queue in queues.distinct()[:MOST]:
            found.update(_of_event(queue, text, found))
    return sorted(found) or [f"{names.queue_name(settings.CLOUD_TASKS_QUEUE)}/tasks/{text}"]


def _of_event(queue: str, task: str, found: set[str]) -> set[str]:
    """Return an event's full name: its headers tell the short ids, not project and location."""
    end = f"/queues/{queue}/tasks/{task}"
    if any(name.endswith(end) for name in found):
        return set()
    try:
        return {f"{names.queue_name(queue)}/tasks/{task}"}
    except ValidationError:  # no queue of Cloud Tasks has such a name
        return set()
