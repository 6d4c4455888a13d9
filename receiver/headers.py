"""What a WSGI environ says of a request's line and headers, as text that may be saved."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from . import text
from .masking import is_secret, masked_header

# WSGI loses the case of names; Google's own are spelled as Google does.
_SPELLING = {
    name.upper().replace("-", "_"): name
    for name in (
        "X-CloudTasks-QueueName",
        "X-CloudTasks-TaskName",
        "X-CloudTasks-TaskRetryCount",
        "X-CloudTasks-TaskExecutionCount",
        "X-CloudTasks-TaskETA",
        "X-CloudTasks-TaskPreviousResponse",
        "X-CloudTasks-TaskRetryReason",
        "X-CloudScheduler",
        "X-CloudScheduler-JobName",
        "X-CloudScheduler-ScheduleTime",
    )
}
_NAME_CHARACTERS = 300
# New in each request, so that nothing is gained by keeping what was made of them.
_NEW_EACH_TIME = {
    *("HTTP_X_CLOUDTASKS_TASKNAME", "HTTP_X_CLOUDTASKS_TASKETA", "HTTP_TRACEPARENT"),
    *("HTTP_X_CLOUD_TRACE_CONTEXT", "HTTP_X_CLOUDSCHEDULER_SCHEDULETIME"),
}
# Where an environ may have the list already.
SHOWN = "receiver.headers"
Pair = tuple[str, str]


def header_list(environ: Mapping[str, Any]) -> list[Pair]:
    """Return the headers as (name, value) pairs, secrets masked, unsafe characters escaped."""
    if SHOWN in environ:
        return list(environ[SHOWN])
    return [pair for key, value in environ.items() if (pair := shown(key, str(value)))]


def shown(key: str, value: str) -> Pair | None:
    """Return a header of an environ as it may be saved, None for what is none."""
    name = _name(key)
    # Some servers put an empty type or length where there was none.
    if name and (value or key.startswith("HTTP_")):
        value = value if value.isascii() else _value(value)
        return name, text.escaped(masked_header(name, value))
    return None


def comes_again(key: str) -> bool:
    """Tell whether a header of an environ is no secret and mostly says what it said before."""
    return key not in _NEW_EACH_TIME and not is_secret(_name(key))


@lru_cache(maxsize=1024)
def _name(key: str) -> str:
    """Return the header's name of an environ's key, "" where it is none."""
    if not key.startswith("HTTP_") and key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        return ""
    key = key.removeprefix("HTTP_")
    known = _SPELLING.get(key)
    return known or text.from_wsgi(key.replace("_", "-").title(), _NAME_CHARACTERS)


def _value(value: str) -> str:
    # As bytes it is what was sent; most senders mean UTF-8.
    try:
        return value.encode("latin-1").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return value


def raw_path(environ: Mapping[str, Any]) -> str:
    """Return the path as it was sent, percent signs and all.

    gunicorn keeps the request's target; elsewhere it is made from the decoded path.
    """
    target = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "")
    if target.startswith("/"):
        return target.partition("?")[0]
    # Django has put decoded text into PATH_INFO.
    path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    return quote(path.encode("utf-8", "surrogatepass"), safe="/:@!$&'()*+,;=~")


def raw_query(environ: Mapping[str, Any]) -> str:
    """Return the query string as the server hands it over, without the question mark."""
    return str(environ.get("QUERY_STRING") or "")
