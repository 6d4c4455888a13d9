"""Links into Google's console, where tasks go to Google's service."""

from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from django.conf import settings
from django.core.exceptions import ValidationError

from . import names

BASE = "https://console.cloud.google.com"
ROUND = timedelta(minutes=10)


def links(
    queue: str, task_id: str, first: datetime | None, last: datetime
) -> list[tuple[str, str]]:
    """Return (label, URL) of a task's queue and of its log entries; none for a local Cloud Tasks.

    `queue` is a full name. The log is searched from a little before `first` to after `last`.
    """
    place, there = _place(queue), queue_link(queue)
    if place is None or not there:
        return []
    project = urlencode({"project": place.project})
    lines = [
        'resource.type="cloud_tasks_queue"',
        f'resource.labels.queue_id="{place.id}"',
        f'"{task_id}"',
        *([f'timestamp>="{first - ROUND:%Y-%m-%dT%H:%M:%SZ}"'] if first else []),
        f'timestamp<="{last + ROUND:%Y-%m-%dT%H:%M:%SZ}"',
    ]
    query = quote("\n".join(lines), safe="")
    return [
        ("Queue in the Cloud console", there),
        ("Log entries", f"{BASE}/logs/query;query={query}?{project}"),
    ]


def queue_link(queue: str) -> str:
    """Return where the console shows a queue, by its full name; nothing for a local one."""
    place = _place(queue)
    if place is None or settings.CLOUD_TASKS_ENDPOINT:
        return ""
    where = f"{quote(place.location)}/{quote(place.id)}"
    return f"{BASE}/cloudtasks/queue/{where}/tasks?{urlencode({'project': place.project})}"


def _place(queue: str) -> names.QueueName | None:
    try:
        return names.split_queue(queue)
    except ValidationError:
        return None


def trace_link(trace: str) -> str:
    """Return where Google's trace explorer shows a trace; nothing for a local Cloud Tasks."""
    if not trace or settings.CLOUD_TASKS_ENDPOINT:
        return ""
    project = urlencode({"project": settings.GOOGLE_CLOUD_PROJECT})
    return f"{BASE}/traces/list?{project}&{urlencode({'tid': trace})}"
