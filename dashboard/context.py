"""What every page's frame needs, the admin's own pages included; asks neither database nor API."""

from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


class Place(NamedTuple):
    """One entry of the navigation."""

    url: str
    icon: str
    label: str
    here: bool


PLACES = (
    ("overview", "home", "Overview", ("overview",)),
    ("events", "inbox", "Events", ("events", "event")),
    ("tasks", "list", "Tasks", ("tasks", "task", "task-by-name")),
    ("enqueue", "send", "Enqueue", ("enqueue",)),
    ("queues", "stack", "Queues", ("queues", "queue", "queue-create", "queue-edit", "queue-purge")),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the navigation and the badge that says where tasks go."""
    return {"places": _places(request), "badge": _badge()}


def _places(request: HttpRequest) -> list[Place]:
    here = request.resolver_match.url_name if request.resolver_match else None
    try:
        return [Place(reverse(n), icon, label, here in names) for n, icon, label, names in PLACES]
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
