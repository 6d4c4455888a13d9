"""The first page: is it healthy, what broke."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from receiver.models import Event, Refusal, Reply

from .. import chart_frame, charts, counts, figures, gateway
from ..cache import kept_for
from ..errors import GatewayError
from ..figures import Figures, QueueShare
from ..models import SentTask
from .frame import live, live_part, page, staff

LATEST = 8
REFUSALS = 6
QUEUES = 10
SEEN_HERE = (
    *("receiver.view_event", "receiver.view_refusal"),
    *("dashboard.view_queue", "dashboard.view_senttask"),
)
# What became of tasks sent from here that somebody should look at.
TROUBLED = (SentTask.State.GAVE_UP, SentTask.State.NOT_ARRIVED, SentTask.State.RETRYING)


@staff
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show a period in charts, the queues, what came last and what broke."""
    key = request.GET.get("period", figures.DAY)
    context = _context(request.user, key if key in figures.PERIODS else figures.DAY)
    if request.headers.get("HX-Request"):
        return live(request, "_overview.html", context)
    part = live_part(request, "_overview.html", context)
    return page(request, "overview.html", context | {"part": part, "title": "Overview"})


def _context(user: Any, key: str) -> dict[str, Any]:
    may = user.has_perm
    drawn = _drawn(key, refused=may("receiver.view_refusal"))
    found = drawn["figures"]
    rows, trouble = _queues(found, may) if may("dashboard.view_queue") else ([], "")
    return {
        "places_seen": any(map(may, SEEN_HERE)),
        **drawn,
        "periods": figures.PERIODS.values(),
        "tiles": [tile for permission, tile in _tiles(found) if may(permission)],
        "queues": rows,
        "trouble": trouble,
        "latest": Event.objects.light()[:LATEST],
        "failures": Event.objects.failed().light()[:LATEST],
        "refusals": Refusal.objects.order_by("-id")[:REFUSALS],
        "troubled": _troubled() if may("dashboard.view_senttask") else [],
        "replies": _replies() if may("receiver.view_reply") else [],
        "first_time": not Event.objects.exists() and not SentTask.objects.exists(),
        "receiver_url": settings.RECEIVER_URL,
        "default_queue": settings.CLOUD_TASKS_QUEUE,
    }


@kept_for(5)
def _drawn(key: str, *, refused: bool) -> dict[str, Any]:
    """Return a period's figures and charts, made once for all who look within 5 s."""
    found = figures.look_back(key)
    return {
        "figures": found,
        "wide_chart": charts.bars(found, refused=refused),
        "narrow_chart": charts.bars(found, chart_frame.NARROW, refused=refused),
        "time_chart": charts.lines(found, chart_frame.NARROW),
        "table": [
            (bar, charts.when(found.period, bar.start), charts.handled(bar)) for bar in found.bars
        ],
    }


def _queues(found: Figures, may: Callable[[str], bool]) -> tuple[list[dict[str, Any]], str]:
    """Return a row for each queue, the busiest first, and what kept Cloud Tasks from telling."""
    queues, depths, trouble = {}, {}, ""
    try:
        queues = {queue.id: queue for queue in gateway.list_queues()}
        depths = gateway.queue_depths()
    except GatewayError as error:
        # A Cloud Tasks that lists queues and knows no depth is none the less usable.
        trouble = "" if queues else str(error)
    shares = found.by_queue if may("receiver.view_event") else {}
    names = {*queues, *filter(None, shares)}
    idle = QueueShare(series=[0] * len(found.bars))
    shares = {name: shares.get(name, idle) for name in names}
    busiest = sorted(names, key=lambda name: (-shares[name].events, name))[:QUEUES]
    return [
        {
            "name": name,
            "queue": queues.get(name),
            "depth": depths.get(name),
            "share": shares[name],
            "p95": _time(shares[name].p95),
            "spark": charts.spark(shares[name].series),
        }
        for name in busiest
    ], trouble


def _troubled() -> list[dict[str, Any]]:
    found = counts.tasks_by_state(*TROUBLED)
    return [{"state": state, "count": found[state]} for state in TROUBLED]


def _replies() -> list[Reply]:
    return list(Reply.objects.active(timezone.now())[:20])


def _tiles(found: Figures) -> list[tuple[str, dict[str, Any]]]:
    whole, refused = found.whole, found.total("refused")
    queues = len([queue for queue in found.queues if queue])
    share = "–" if whole.success is None else f"{whole.success:.1f} %"
    most = found.reasons.most_common(1)
    reason = f"most: {most[0][0]}" if most else "turned away, not stored"
    tiles = [
        _tile("Events", f"{whole.events:,}", _across(queues), found.series("events")),
        _tile(
            "Succeeded",
            share,
            f"{whole.succeeded:,} of {whole.events:,}",
            found.series("succeeded"),
        ),
        _tile("Failed", f"{whole.failed:,}", "answered other than 2xx", found.series("failed")),
        _tile(
            "Handler time, p95",
            _time(whole.p95),
            f"median {_time(whole.p50)}",
            [round(1000 * (time or 0)) for time in found.series("p95")],
        ),
    ]
    refusals = _tile("Refused", f"{refused:,}", reason, found.series("refused"))
    events = [("receiver.view_event", tile) for tile in tiles]
    return [*events, ("receiver.view_refusal", refusals)]


def _tile(label: str, value: str, note: str, series: list[int]) -> dict[str, Any]:
    return {"label": label, "value": value, "note": note, "spark": charts.spark(series)}


def _time(value: float | None) -> str:
    return "–" if value is None else charts.milliseconds(value)


def _across(count: int) -> str:
    return f"across {count} queue{'' if count == 1 else 's'}"
