"""`/metrics` in the text that Prometheus reads, where METRICS is on.

Its cost does not grow with what is stored: counters of this process, and a few indexed looks.
"""

from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.db.utils import Error
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from dashboard.models import SentTask
from receiver.counts import SECONDS, counts
from receiver.models import Event, Refusal, Reply

# What is over is said as this many: counted exactly, it would cost more the more there is.
MOST_COUNTED = 10_001


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer a scraper; 401 without METRICS_TOKEN where one is set."""
    given = request.headers.get("Authorization", "")
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    if settings.METRICS_TOKEN and not constant_time_compare(given, wanted):
        answer = HttpResponse("METRICS_TOKEN is wanted\n", status=401, content_type="text/plain")
        answer["WWW-Authenticate"] = "Bearer"
        return answer
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    return HttpResponse(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)


@cache
def _registry() -> Any:
    from prometheus_client import CollectorRegistry, ProcessCollector

    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Collector())
    return registry


class _Collector:
    """Asked at each scrape; while the database is away it tells so, and the counters still."""

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        if "receiver" in settings.SURFACES:
            yield from _counted()
        try:
            found, up = _looked_up(), 1
        except Error:
            found, up = [], 0
        yield GaugeMetricFamily("tasks_database_up", "Whether the database answers.", up)
        yield from found


def _counted() -> Iterator[Any]:
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    events = CounterMetricFamily(
        "tasks_events", "Events stored, by what was answered.", labels=["queue", "outcome"]
    )
    for (queue, outcome), number in dict(counts.events).items():
        events.add_metric([queue, str(outcome)], number)
    yield events
    refused = CounterMetricFamily("tasks_refusals", "Requests turned away.", labels=["reason"])
    for reason in Refusal.Reason.values:
        refused.add_metric([reason], counts.refused[reason])
    yield refused
    unstored = counts.unstored + counts.busy
    yield CounterMetricFamily(
        "tasks_unstored", "Deliveries answered 503 or 500: not known to be stored.", unstored
    )
    buckets, reached = [], 0
    for bound, number in zip((*SECONDS, "+Inf"), list(counts.buckets), strict=True):
        reached += number
        buckets.append((str(bound), reached))
    seconds = HistogramMetricFamily("tasks_event_seconds", "From first byte to commit.")
    seconds.add_metric([], buckets, counts.seconds)
    yield seconds


def _looked_up() -> list[Any]:
    from prometheus_client.core import GaugeMetricFamily as Gauge

    from dashboard.health import database_bytes  # brings what a receiver alone can do without

    now = timezone.now()
    ends = Event.objects.values_list("pk", "received_at")
    first, last = ends.order_by("pk").first(), ends.order_by("-pk").first()
    kept = last[0] - first[0] + 1 if first and last else 0
    age = max((now - first[1]).total_seconds(), 0) if first else 0
    unfinished = SentTask.objects.unfinished()[:MOST_COUNTED].count()
    refused = Gauge(
        "tasks_refusals_last_hour", "As stored, by whichever process.", labels=["reason"]
    )
    recent = Refusal.objects.filter(minute__gt=now - timedelta(hours=1)).order_by()
    for reason, number in recent.values_list("reason").annotate(Sum("count")):
        refused.add_metric([reason], number)
    return [
        Gauge("tasks_events_kept", "Events stored, by their keys: gaps are counted.", kept),
        Gauge("tasks_oldest_event_seconds", "Age of the oldest event: what retention left.", age),
        Gauge(
            "tasks_sent_unfinished",
            f"Sent tasks without an end, {MOST_COUNTED} at most.",
            unfinished,
        ),
        Gauge("tasks_replies_active", "Replies that may answer now.", _replies(now)),
        Gauge("tasks_database_bytes", "Size of the database.", database_bytes()),
        refused,
    ]


def _replies(now: Any) -> int:
    return Reply.objects.active(now)[:MOST_COUNTED].count() if settings.REPLIES else 0
