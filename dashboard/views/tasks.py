"""What was sent from here: the list, live; acts on many of its rows."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from .. import gateway, task_filters
from ..errors import GatewayError
from ..many import Order
from ..models import SentTaskQuerySet
from ..refresh import refresh
from ..task_filters import COMMANDS, PERIODS, SEARCHED, STATES, Filters
from ..task_many import ACTS
from .frame import allowed, live, live_part, page, whole
from .many import act_on_many

PAGE = 50


@allowed("dashboard.view_senttask")
@require_safe
def tasks(request: HttpRequest) -> HttpResponse:
    """List the tasks sent from here, newest first; unfinished ones on the page are asked about."""
    filters, before = Filters(request.GET.dict()), whole(request.GET.get("before"))
    rows = _rows(request, filters, before)
    if request.headers.get("HX-Request"):
        return live(request, "_task_rows.html", rows)
    counts = {} if filters.narrowed else task_filters.counts()
    context = rows | {
        "title": "Tasks",
        "part": live_part(request, "_task_rows.html", rows),
        "tabs": [_tab(state, filters, counts) for state in ("", *STATES)],
        "queues": _queues(),
        "senders": task_filters.senders(),
        "commands": COMMANDS,
        "periods": [(key, label) for key, (label, _) in PERIODS.items()],
        "searched": SEARCHED,
    }
    return page(request, "tasks.html", context)


def _rows(request: HttpRequest, filters: Filters, before: int | None) -> dict[str, Any]:
    """Return what the live part shows."""
    found = filters.rows()
    rows = list((found.filter(pk__lt=before) if before else found)[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    may = request.user.has_perms
    return {
        "filters": filters,
        "trouble": refresh(rows),
        "rows": rows,
        "before": before,
        "newest_query": filters.write(),
        "older": filters.write(before=rows[-1].pk) if more else "",
        "poll": f"{reverse('tasks')}?{filters.write(before=before)}&seen=".replace("?&", "?"),
        "acts": {key: act for key, act in ACTS.items() if may(act.permissions)},
    }


def _tab(state: str, filters: Filters, counts: dict[str, str]) -> dict[str, Any]:
    query = filters.write(state=state)
    return {
        "label": state.capitalize() or "All",
        "count": counts.get(state, ""),
        "here": state == filters.state,
        "url": f"{reverse('tasks')}?{query}" if query else reverse("tasks"),
    }


def _queues() -> list[str]:
    """Return the queues to choose from; any other can be typed."""
    try:
        return [queue.id for queue in gateway.list_queues()]
    except GatewayError:
        return []


@allowed("dashboard.view_senttask")
@require_POST
def many(request: HttpRequest) -> HttpResponse:
    """Act on the ticked tasks or on all that match: ask with the count, then do it."""
    filters = Filters(request.GET.dict())
    query = filters.write()
    back = f"{reverse('tasks')}?{query}" if query else reverse("tasks")
    return act_on_many(request, ACTS, _meant, filters.in_words(), back)


def _meant(order: Order) -> SentTaskQuerySet:
    return Filters(QueryDict(order.query).dict()).rows()
