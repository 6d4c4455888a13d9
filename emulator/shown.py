"""Tasks and attempts as JSON, for people and for pages: newest first, page by page."""

import base64
from datetime import datetime
from typing import Any

from django.db.models import BinaryField, Count, F, Min, Q, QuerySet
from django.db.models.functions import Substr

from . import errors
from .errors import invalid
from .models import Attempt, Queue, Task
from .queues import find_live, live_queue
from .tasks import find_task, parsed
from .work import Work

MOST_BODY = 64 * 1024
_LIVE = Q(outcome="")
_WAITING = _LIVE & Q(due_at=F("schedule_time"))
STATES = {
    "live": _LIVE,
    "waiting": _WAITING & Q(dispatch_count=0),
    "retrying": _WAITING & Q(dispatch_count__gt=0),
    "running": _LIVE & ~Q(due_at=F("schedule_time")),
    "ended": ~_LIVE,
} | {str(outcome): Q(outcome=outcome) for outcome in Task.Outcome.values}
_COUNTS = ("dispatch_count", "response_count", "execution_count", "previous_response")
_TIMES = (
    "create_time",
    "schedule_time",
    "first_dispatch_time",
    "last_dispatch_time",
    "last_response_time",
    "ended_at",
)


def tasks(work: Work, *, queue: str, state: str, limit: int, before: int | None) -> dict[str, Any]:
    """Return tasks, those after `before` if it is given; raises Refused for no queue or state."""
    work.quiet = True
    if state and state not in STATES:
        raise invalid(f"state must be one of {', '.join(STATES)}.")
    rows = Task.objects.select_related("queue").defer("body", "spec").filter(STATES.get(state, Q()))
    if queue:
        rows = rows.filter(queue=live_queue(queue))
    page = _page(rows, limit, before)
    return {"tasks": [_task(task) for task in page], "before": _next(page, limit)}


def _task(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "queue": task.queue.name,
        "state": task.state,
        "method": task.method,
        "url": task.url,
        **{name: getattr(task, name) for name in _COUNTS},
        **{name: _time(getattr(task, name)) for name in _TIMES},
    }


def attempts(
    work: Work, *, name: str, queue: str, limit: int, before: int | None
) -> dict[str, Any]:
    """Return attempts of the task named, of a queue, or all; raises Refused for none such."""
    work.quiet = True
    rows = Attempt.objects.select_related("task__queue").annotate(
        body_start=Substr("body", 1, MOST_BODY, output_field=BinaryField()),
        sent_start=Substr("task__body", 1, MOST_BODY, output_field=BinaryField()),
    )
    rows = rows.defer("body", "task__body", "task__spec").filter(_of(name, queue))
    page = _page(rows, limit, before)
    return {"attempts": [_attempt(row) for row in page], "before": _next(page, limit)}


def _of(name: str, queue: str) -> Q:
    if queue:
        return Q(task__queue=live_queue(queue))
    if not name:
        return Q()
    parts = parsed(name)
    found: Queue | None = find_live(parts.queue)
    task = find_task(found, parts.id) if found else None
    if task is None:
        raise errors.not_found()
    return Q(task=task.pk)


def _attempt(attempt: Any) -> dict[str, Any]:
    return {
        "task": attempt.task.name,
        "number": attempt.number,
        "run_task": attempt.forced,
        "extra": attempt.extra,
        "schedule_time": _time(attempt.schedule_time),
        "dispatch_time": _time(attempt.dispatch_time),
        "ended_at": _time(attempt.ended_at),
        "status": attempt.status,
        "error": attempt.error,
        "request": {
            "method": attempt.method,
            "url": attempt.url,
            "headers": attempt.request_headers,
            **_body(attempt.sent_start),
        },
        "response": {"headers": attempt.headers, **_body(attempt.body_start)},
    }


def _body(content: Any) -> dict[str, str]:
    raw = bytes(content or b"")
    return {
        "body_base64": base64.b64encode(raw).decode(),
        "body_text": raw.decode("utf-8", "backslashreplace"),
    }


def _time(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None


def _page(rows: QuerySet[Any], limit: int, before: int | None) -> list[Any]:
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[:limit])


def _next(page: list[Any], limit: int) -> int | None:
    return page[-1].pk if len(page) == limit else None


def depths(work: Work) -> list[tuple[str, int, int, float]]:
    """Return (queue, live tasks, due tasks, seconds since the oldest was due) for the metrics."""
    work.quiet = True
    rows = Task.objects.live().order_by().values_list("queue__name")
    counted = rows.annotate(
        live=Count("pk"), due=Count("pk", filter=Q(due_at__lte=work.now)), oldest=Min("due_at")
    )
    return [
        (name, live, due, max(0.0, (work.now - oldest).total_seconds()))
        for name, live, due, oldest in counted
    ]
