"""What a request says of itself: task, source, trace. Claims all of them, whoever sent them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from . import text
from .models import Event

_QUEUE = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TASK = re.compile(r"[A-Za-z0-9_-]{1,500}")
_COUNT = re.compile(r"[0-9]{1,9}")
_FLOAT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,30})?([eE]\+?[0-9]{1,2})?")
_TRACE = re.compile(r"(?!0{32})([0-9a-fA-F]{32})(/.*)?", re.DOTALL)
# W3C Trace Context: version ff and a trace of zeros are invalid.
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)
_SUBSCRIPTION = re.compile(rb'"subscription"\s*:\s*"projects/[^"/]+/subscriptions/')
_YEAR_3000 = 32_503_680_000.0
_PUBSUB_AGENTS = ("CloudPubSub-Google", "APIs-Google")
# A push envelope is looked for in so much of a body and no more.
_ENVELOPE_BYTES = 1024 * 1024


class Labels(NamedTuple):
    """The X-CloudTasks headers with the right shape; one of another shape counts as absent."""

    queue: str = ""
    task: str = ""
    retry_count: int | None = None
    execution_count: int | None = None
    eta: datetime | None = None
    previous_response: int | None = None
    retry_reason: str = ""


def labels(environ: Mapping[str, Any]) -> Labels:
    """Return the typed X-CloudTasks headers; the raw ones stay in the list of headers."""

    get = environ.get
    reason = get("HTTP_X_CLOUDTASKS_TASKRETRYREASON")
    return Labels(
        _shaped(_QUEUE, get("HTTP_X_CLOUDTASKS_QUEUENAME")),
        _shaped(_TASK, get("HTTP_X_CLOUDTASKS_TASKNAME")),
        _count(get("HTTP_X_CLOUDTASKS_TASKRETRYCOUNT")),
        _count(get("HTTP_X_CLOUDTASKS_TASKEXECUTIONCOUNT")),
        _instant(get("HTTP_X_CLOUDTASKS_TASKETA")),
        _count(get("HTTP_X_CLOUDTASKS_TASKPREVIOUSRESPONSE")),
        text.from_wsgi(reason, 200) if reason else "",
    )


def _shaped(shape: re.Pattern[str], value: str | None) -> str:
    return value if value and shape.fullmatch(value) else ""


def _count(value: str | None) -> int | None:
    return int(value) if value and _COUNT.fullmatch(value) else None


def _instant(value: str | None) -> datetime | None:
    # Google prints the double with 17 digits ("1666670855.3296249"), whole seconds without any.
    if not value or not _FLOAT.fullmatch(value):
        return None
    seconds = float(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds < _YEAR_3000 else None


def source(environ: Mapping[str, Any], body: bytes) -> Event.Source:
    """Return whose request this looks like, by Google's and CloudEvents' documented marks."""
    if _is_task(environ):
        return Event.Source.CLOUD_TASKS
    agent = str(environ.get("HTTP_USER_AGENT", ""))
    kind = str(environ.get("CONTENT_TYPE", "")).lower()
    if _is_scheduler(environ) or agent.startswith("Google-Cloud-Scheduler"):
        return Event.Source.CLOUD_SCHEDULER
    # Before Pub/Sub: Eventarc sends CloudEvents that were Pub/Sub messages on the way.
    if "HTTP_CE_SPECVERSION" in environ or kind.startswith("application/cloudevents"):
        return Event.Source.CLOUDEVENTS
    if (
        agent.startswith(_PUBSUB_AGENTS)
        or any(key.startswith("HTTP_X_GOOG_PUBSUB_") for key in environ)
        or _is_envelope(body)
    ):
        return Event.Source.PUBSUB
    return Event.Source.OTHER


def _is_task(environ: Mapping[str, Any]) -> bool:
    # Cloud Tasks sends this one always, so that the others are rarely looked for.
    return "HTTP_X_CLOUDTASKS_QUEUENAME" in environ or any(
        key.startswith("HTTP_X_CLOUDTASKS_") for key in environ
    )


def _is_scheduler(environ: Mapping[str, Any]) -> bool:
    return any(key.startswith("HTTP_X_CLOUDSCHEDULER") for key in environ)


def _is_envelope(body: bytes) -> bool:
    beginning = body[:_ENVELOPE_BYTES]
    return b'"message"' in beginning and bool(_SUBSCRIPTION.search(beginning))


def is_labelled(environ: Mapping[str, Any]) -> bool:
    """Tell whether Cloud Tasks' or Cloud Scheduler's own headers are there."""
    return _is_task(environ) or _is_scheduler(environ)


def trace(environ: Mapping[str, Any]) -> str:
    """Return the trace id (32 hex digits) of X-Cloud-Trace-Context or traceparent, or ''."""
    context = environ.get("HTTP_X_CLOUD_TRACE_CONTEXT")
    if context and (found := _TRACE.fullmatch(context)):
        return found[1].lower()
    parent = environ.get("HTTP_TRACEPARENT")
    found = _TRACEPARENT.fullmatch(parent) if parent else None
    return found[1] if found else ""
