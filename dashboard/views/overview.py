"""The first page: is it healthy, what broke."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from receiver.models import Event, Refusal

from .. import charts, figures, gateway
from ..errors import GatewayError
from ..models import SentTask
from .frame import live, live_part, page, staff

LATEST = 6
QUEUES = 8
SEEN_HERE = ("receiver.view_event", "receiver.view_refusal", "dashboard.view_queue")


@staff
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show the last 24 hours, the queues, and the latest failures and refusals."""
    context = _context(request.user)
    if request.headers.get("HX-Request"):
        return live(request, "_overview.html", context)
    part = live_part(request, "_overview.html", context)
    return page(request, "overview.html", context | {"part": part, "title": "Overview"})


def _context(user: Any) -> dict[str, Any]:
    day = _seen_by(user, figures.last_day())
    queues, trouble = _queues(day) if user.has_perm("dashboard.view_queue") else ([], "")
    return {
        "places_seen": any(map(user.has_perm, SEEN_HERE)),
        "day": day,
        "tiles": [tile for permission, tile in _tiles(day) if user.has_perm(permission)],
        "wide_chart": charts.bars(day.hours),
        "narrow_chart": charts.bars(day.hours, width=360, height=190, every=6),
        "queues": queues,
        "trouble": trouble,
        "failures": Event.objects.failed().light()[:LATEST],
        "refusals": Refusal.objects.order_by("-id")[:LATEST],
        "first_time": not Event.objects.exists() and not SentTask.objects.exists(),
        "receiver_url": settings.RECEIVER_URL,
        "default_queue": settings.CLOUD_TASKS_QUEUE,
    }


def _seen_by(user: Any, day: figures.Day) -> figures.Day:
    """Take the refusals out for those who may not see them; the chart has both."""
    if not user.has_perm("receiver.view_refusal"):
        for hour in day.hours:
            hour.refused = 0
    return day


def _queues(day: figures.Day) -> tuple[list[dict[str, Any]], str]:
    try:
        queues = gateway.list_queues()
    except GatewayError as error:
        return [], str(error)
    busiest = sorted(queues, key=lambda queue: (-day.queues[queue.id], queue.id))[:QUEUES]
    return [{"queue": queue, "events": day.queues[queue.id]} for queue in busiest], ""


def _tiles(day: figures.Day) -> list[tuple[str, dict[str, Any]]]:
    events, succeeded, failed = (day.total(what) for what in ("events", "succeeded", "failed"))
    refused = day.total("refused")
    queues = len([queue for queue in day.queues if queue])
    share = f"{100 * succeeded / events:.1f} %" if events else "–"
    reason = day.reasons.most_common(1)
    most = f"most: {reason[0][0]}" if reason else "turned away, not stored"
    tiles = [
        _tile("Events, last 24 h", f"{events:,}", _counted(queues, "queue"), day.series("events")),
        _tile("Succeeded", share, f"{succeeded:,} of {events:,}", day.series("succeeded")),
        _tile("Failed", f"{failed:,}", "answered other than 2xx", day.series("failed")),
    ]
    return [
        *(("receiver.view_event", tile) for tile in tiles),
        (
            "receiver.view_refusal",
            _tile("Refused", f"{refused:,}", most, day.series("refused")),
        ),
    ]


def _tile(label: str, value: str, note: str, series: list[int]) -> dict[str, Any]:
    return {"label": label, "value": value, "note": note, "spark": charts.spark(series)}


def _counted(count: int, noun: str) -> str:
    return f"across {count} {noun}{'' if count == 1 else 's'}"
