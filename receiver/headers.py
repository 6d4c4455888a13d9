"""What a WSGI environ says of a request's line and headers, as text that may be saved."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from . import text
from .masking import masked_header

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


def header_list(environ: Mapping[str, Any]) -> list[list[str]]:
    """Return the headers as [name, value] pairs, secrets masked, unsafe characters escaped."""
    found = []
    for key, value in environ.items():
        name = _name(key)
        # Some servers put an empty type or length where there was none.
        if name and (value or key.startswith("HTTP_")):
            shown = masked_header(name, _value(str(value)))
            found.append([name, text.escaped(shown)])
    return found


@lru_cache(maxsize=1024)
def _name(key: str) -> str:
    """Return the header's name of an environ's key, "" where it is none."""
    if not key.startswith("HTTP_") and key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        return ""
    key = key.removeprefix("HTTP_")
    known = _SPELLING.get(key)
    return known or text.from_wsgi(key.replace("_", "-").title(), _NAME_CHARACTERS)


def _value(value: str) -> str:
    if value.isascii():
        return value
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
