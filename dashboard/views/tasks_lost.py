"""Tasks that did not come to a good end: what never arrived, and what gave up."""

import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from .. import gave_up, missing
from ..gave_up import GaveUp
from ..task_filters import PERIODS
from ..timeline import answered
from .frame import allowed, live, live_part, page, whole

USUAL = "7d"


@allowed("dashboard.view_senttask")
@require_safe
def missing_tasks(request: HttpRequest) -> HttpResponse:
    """List what was sent and has not arrived, each with why."""
    period, since, before = _asked(request)
    found = missing.find(since, before, request.user.has_perm)
    part = {"rows": found.rows, "trouble": found.trouble}
    part |= _around("tasks-missing", period, before, found.before)
    pages = ("tasks_missing.html", "_missing_rows.html")
    return _show(request, "Where did my task go?", pages, part, period)


@allowed("dashboard.view_senttask", "receiver.view_event")
@require_safe
def tasks_that_gave_up(request: HttpRequest) -> HttpResponse:
    """List what gave up, whoever sent it."""
    period, since, before = _asked(request)
    found = gave_up.find(since, before)
    bodies = request.user.has_perm("receiver.view_body")
    rows = [_row(row, bodies=bodies) for row in found.rows]
    part = {"rows": rows, "trouble": found.trouble}
    part |= _around("tasks-gave-up", period, before, found.before)
    pages = ("tasks_gave_up.html", "_gave_up_rows.html")
    return _show(request, "What gave up", pages, part, period)


def _row(row: GaveUp, *, bodies: bool) -> dict[str, Any]:
    """Return what its article shows; an event is sent again only by who may see its body."""
    said = answered(row.event.status)
    name = reverse("task-by-name") + "?" + urlencode({"name": row.name})
    return {
        **{key: getattr(row, key) for key in ("event", "sent", "attempts", "sure")},
        "answered": said[0].upper() + said[1:],
        "url": reverse("task", args=[row.sent.pk]) if row.sent else name,
        "again": _again(row, bodies=bodies),
        "key": secrets.token_hex(16),
        "like": f"task-{row.sent.pk}" if row.sent else f"event-{row.event.pk}",
    }


def _again(row: GaveUp, *, bodies: bool) -> str:
    if row.sent:
        return reverse("task-resend", args=[row.sent.pk])
    return reverse("event-resend", args=[row.event.pk]) if bodies else ""


def _asked(request: HttpRequest) -> tuple[str, datetime | None, int | None]:
    """Return the period that was asked for, its beginning, and the key to go on before."""
    given = request.GET.get("period", USUAL)
    period = given if given in PERIODS or given == "all" else USUAL
    since = timezone.now() - PERIODS[period][1] if period in PERIODS else None
    return period, since, whole(request.GET.get("before"))


def _around(name: str, period: str, before: int | None, older: int | None) -> dict[str, Any]:
    """Return what the pager and the poll of such a list need."""
    where = f"{reverse(name)}?period={period}"
    return {
        "where": reverse(name),
        "before": before,
        "newest_query": f"period={period}",
        "older": f"period={period}&before={older}" if older else "",
        "poll": f"{where}{f'&before={before}' if before else ''}&seen=",
    }


def _show(
    request: HttpRequest, title: str, pages: tuple[str, str], part: dict[str, Any], period: str
) -> HttpResponse:
    whole_page, rows = pages
    if request.headers.get("HX-Request"):
        return live(request, rows, part)
    labels = {key: f"Last {label}" for key, (label, _) in PERIODS.items()} | {"all": "Any time"}
    context = part | {
        "title": title,
        "part": live_part(request, rows, part),
        "tabs": [
            {"label": label, "here": key == period, "url": f"{part['where']}?period={key}"}
            for key, label in labels.items()
        ],
    }
    return page(request, whole_page, context)
