"""What is kept of an admitted request: its row and its log line. Nothing in it can be poison."""

import contextlib
import logging
import time
import traceback
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from . import text
from .caller import Caller
from .headers import header_list, raw_path, raw_query
from .labels import Labels, labels, source, trace
from .masking import masked_query
from .models import Event

log = logging.getLogger("receiver.events")
trouble = logging.getLogger("receiver.trouble")
_QUERY_CHARACTERS = 16384
_URL_CHARACTERS = 1000  # in a line, up to six bytes each


class StoreAway(Exception):
    """The database cannot be reached or cannot take writes at the moment."""


def named(error: Exception) -> str:
    """An error's class and place; its text may quote what was sent."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {frames[-1].name}" if frames else ""
    return f"{type(error).__name__}{place}"


def build(environ: Mapping[str, Any], body: bytes, caller: Caller, received_at: datetime) -> Event:
    """Return the event of a request, not saved: every text escaped, cut, and free of secrets."""
    claimed = labels(environ)
    method, content_type = environ["REQUEST_METHOD"], environ.get("CONTENT_TYPE") or ""
    query = raw_query(environ)
    return Event.of(
        received_at=received_at,
        source=source(environ, body),
        queue=claimed.queue,
        task=claimed.task,
        retry_count=claimed.retry_count,
        execution_count=claimed.execution_count,
        eta=claimed.eta,
        previous_response=claimed.previous_response,
        retry_reason=claimed.retry_reason,
        method=text.from_wsgi(str(method), 20),
        path=text.from_wsgi(raw_path(environ), 2083),
        query=text.from_wsgi(masked_query(query), _QUERY_CHARACTERS) if query else "",
        headers=header_list(environ),
        content_type=text.from_wsgi(str(content_type), 200),
        body=body,
        body_size=len(body),
        preview=text.preview(body),
        caller_account=caller.account,
        caller_audience=caller.audience,
        caller_check=caller.check,
        trace=trace(environ),
    )


def envelope(
    environ: Mapping[str, Any], body: bytes, caller: Caller, received_at: datetime
) -> Event:
    """Return the least that is worth storing: the exact body, and labels of a fixed shape."""
    method = str(environ.get("REQUEST_METHOD", ""))[:20]
    try:
        claimed = labels(environ)
    except Exception:  # what failed the whole event must not fail the envelope as well
        claimed = Labels()
    return Event(
        received_at=received_at,
        queue=claimed.queue,
        task=claimed.task,
        method=method if method.isascii() and method.isalpha() else "",
        body=body,
        body_size=len(body),
        preview="(only the body could be stored)",
        caller_check=caller.check,
    )


def http_request(event: Event) -> dict[str, Any]:
    """Return what Cloud Logging shows of a request in its lists, without a line of its own."""
    query = f"?{event.query}" if event.query else ""
    found: dict[str, Any] = {
        "requestMethod": event.method,
        "requestUrl": f"{_origin(settings.RECEIVER_URL)}{event.path}{query}"[:_URL_CHARACTERS],
        "requestSize": str(event.body_size),
    }
    if event.status:  # else a reply dropped the connection
        found["status"] = event.status
    if event.took_us is not None:
        found["latency"] = f"{event.took_us / 1e6:.6f}s"
    return found


@lru_cache(maxsize=4)
def _origin(url: str) -> str:
    return urlsplit(url)._replace(path="").geturl()


def write_line(event: Event) -> None:
    """Write the tutorial's log line of a stored event; the row is what counts, so it may fail."""
    if not log.isEnabledFor(logging.INFO):
        return
    try:
        line = text.one_line(bytes(event.body), settings.LOG_BODY_BYTES)
        fields: dict[str, Any] = {
            "event_id": event.pk,
            "queue": event.queue,
            "task": event.task,
            "body_size": event.body_size,
        }
        if event.reply_name:
            fields |= {"reply": event.reply_name, "status": event.status}
        if event.trace:
            project = settings.GOOGLE_CLOUD_PROJECT
            fields["logging.googleapis.com/trace"] = f"projects/{project}/traces/{event.trace}"
        if settings.IN_CLOUD:
            fields["httpRequest"] = http_request(event)
        log.handle(_record(line, fields))
    except Exception as error:
        with contextlib.suppress(Exception):
            trouble.warning("Could not log event %s: %s.", event.pk, named(error))


def flush_lines() -> None:
    """Let out what handlers have kept back to write many lines at once."""
    for handler in logging.getLogger().handlers:
        with contextlib.suppress(Exception):
            handler.flush()


def _record(line: str, fields: dict[str, Any]) -> logging.LogRecord:
    """Return what `log.info` would make, but for the place in the code and the thread."""
    record = logging.LogRecord.__new__(logging.LogRecord)
    now = time.time()
    own = {"args": (line,), "fields": fields, "created": now, "msecs": now % 1 * 1000}
    record.__dict__ = _SHARED | own
    return record


_SHARED = logging.LogRecord(
    *(log.name, logging.INFO, __file__, 0, "Event Display received event: %s", (), None)
).__dict__
