"""What was sent from here: the list."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from ..models import SentTask
from ..refresh import refresh
from .frame import allowed, page, plain, whole

PAGE = 50
STATES = ("", *(state for state in SentTask.State.values if state))


@allowed("dashboard.view_senttask")
@require_safe
def tasks(request: HttpRequest) -> HttpResponse:
    """List the tasks sent from here, newest first; unfinished ones on the page are asked about."""
    state = plain(request.GET.get("state"), 20)
    before = whole(request.GET.get("before"))
    batch = whole(request.GET.get("batch"))
    found = SentTask.objects.light().select_related("created_by")
    if state in STATES and state:
        found = found.filter(state=state)
    elif state == "not created":
        found = found.filter(answer=SentTask.Answer.REFUSED)
    if batch:
        found = found.filter(batch=batch)
    rows = list((found.filter(id__lt=before) if before else found)[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    older = urlencode(_query(state, batch) | {"before": rows[-1].pk}) if more else ""
    context = {
        "title": "Tasks",
        "trouble": refresh(rows),
        "rows": rows,
        "older": older,
        "before": before,
        "state": state,
        "batch": batch,
        "tabs": [_tab(name, state, batch) for name in (*STATES, "not created")],
    }
    return page(request, "tasks.html", context)


def _query(state: str, batch: int | None) -> dict[str, Any]:
    return {key: value for key, value in (("state", state), ("batch", batch)) if value}


def _tab(name: str, state: str, batch: int | None) -> dict[str, Any]:
    query = urlencode(_query(name, batch))
    url = f"{reverse('tasks')}?{query}" if query else reverse("tasks")
    return {"label": name.capitalize() or "All", "here": name == state, "url": url}
