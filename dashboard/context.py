"""What every page's frame needs, the admin's own pages included; asks no API."""

from functools import partial
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


class Place(NamedTuple):
    """One entry of the navigation, for those who may see what it leads to."""

    url: str
    icon: str
    label: str
    here: bool


EVENT_PAGES = ("events", "event", "events-many", "retention")
BATCH_PAGES = ("batches", "batch", "batch-new", "batch-fill", "batch-cancel", "batch-delete")
TASK_PAGES = (
    *("tasks", "task", "task-by-name", "task-report", "task-by-name-report", "task-cancel"),
    *("task-diff", "tasks-missing", "tasks-gave-up", "tasks-many"),
)
ENQUEUE_PAGES = ("enqueue", "enqueue-paste", "templates", "template-save")
QUEUE_PAGES = ("queues", "queue", "queue-create", "queue-edit", "queue-purge", "queue-delete")
REPLY_PAGES = ("replies", "reply", "reply-new", "reply-delete")
PLACES = (
    ("", "overview", "home", "Overview", ("overview",)),
    ("receiver.view_event", "events", "inbox", "Events", EVENT_PAGES),
    ("dashboard.view_senttask", "tasks", "list", "Tasks", TASK_PAGES),
    ("dashboard.add_senttask", "enqueue", "send", "Enqueue", ENQUEUE_PAGES),
    ("dashboard.view_batch", "batches", "rows", "Batches", BATCH_PAGES),
    ("dashboard.view_queue", "queues", "stack", "Queues", QUEUE_PAGES),
    ("receiver.view_reply", "replies", "reply", "Replies", REPLY_PAGES),
    ("", "status", "pulse", "Status", ("status", "self-test", "self-test-start")),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the navigation and the badge that says where tasks go.

    The navigation is made where a template asks for it: an error page must not ask who looks.
    """
    return {"places": partial(_places, request), "badge": _badge()}


def _places(request: HttpRequest) -> list[Place]:
    here = request.resolver_match.url_name if request.resolver_match else None
    may = request.user.has_perm
    try:
        return [
            Place(reverse(name), icon, label, here in names)
            for permission, name, icon, label, names in PLACES
            if not permission or may(permission)
        ]
    except NoReverseMatch:  # a process that serves the receiver alone
        return []


def _badge() -> dict[str, str]:
    place = f"{settings.GOOGLE_CLOUD_PROJECT} · {settings.CLOUD_TASKS_LOCATION}"
    if endpoint := settings.CLOUD_TASKS_ENDPOINT:
        return {
            "text": f"Local · {settings.GOOGLE_CLOUD_PROJECT}",
            "title": f"{place}, at {endpoint}",
        }
    return {"text": f"Google Cloud · {settings.GOOGLE_CLOUD_PROJECT}", "title": place}
