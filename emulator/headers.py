"""Headers: which are reserved, and which Cloud Tasks adds to a request. Pure rules."""

import re
from collections.abc import Mapping
from datetime import datetime

from .errors import invalid, shown
from .work import Order

USER_AGENT = "Google-Cloud-Tasks"
APP_ENGINE_USER_AGENT = "AppEngine-Google; (+http://code.google.com/appengine)"
HEADERS_BELOW = 80 * 1024
NO_RESPONSE = 504  # what X-CloudTasks-TaskPreviousResponse says after a timeout (recorded)
_SET_BY_CLOUD_TASKS = {"host", "content-length", "user-agent"}
_SERVICE_PREFIXES = ("x-google-", "x-appengine-", "x-cloudtasks-")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110's token
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_APP_ENGINE_PREFIXES = ("x-google-", "x-appengine-")
_OF_THE_CONNECTION = {
    "connection", "expect", "keep-alive", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
}  # fmt: skip


def is_reserved(header: str) -> bool:
    """Say whether Cloud Tasks sets this header of an HTTP target itself, whatever was asked."""
    name = header.lower()
    return name in _SET_BY_CLOUD_TASKS or name.startswith(_SERVICE_PREFIXES)


def is_reserved_for_app_engine(header: str) -> bool:
    """Say the same for an App Engine target, where a User-Agent may be chosen."""
    name = header.lower()
    return name in {"host", "content-length"} or name.startswith(_APP_ENGINE_PREFIXES)


def size(headers: Mapping[str, str]) -> int:
    """Return the bytes of all names and values, which must stay below HEADERS_BELOW."""
    return len("".join([*headers, *headers.values()]).encode())


def check(headers: Mapping[str, str], where: str) -> None:
    """Raise Refused for headers that are too large, or that no request can carry (our texts)."""
    if size(headers) >= HEADERS_BELOW:
        raise invalid(f"{where} must be less than 80KB.")
    names, values = "".join(headers), "".join(headers.values())
    if "" not in headers and _NAME.fullmatch(names or "-") and not _CONTROL.search(values):
        return  # all at once, for nearly every task comes this way
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise invalid(f"{where} holds a name that no HTTP header can have: {shown(name)!r}.")
        if _CONTROL.search(value):
            raise invalid(f"{where} holds a control character in {shown(name)}.")


def without(headers: Mapping[str, str], name: str) -> dict[str, str]:
    """Return the headers but for one, however it is spelled."""
    return {k: v for k, v in headers.items() if k.lower() != name.lower()}


def request_headers(order: Order) -> dict[str, str]:
    """Return the headers of one attempt: the task's own, and those Cloud Tasks adds.

    With credentials there is an Authorization, whose token is yet to be made.
    """
    headers = {k: v for k, v in order.headers.items() if k.lower() not in _OF_THE_CONNECTION}
    if order.credentials is not None:
        headers = without(headers, "authorization")
        headers["Authorization"] = "Bearer token"
    return headers | (_app_engine(order) if order.app_engine else _cloud_tasks(order))


def _cloud_tasks(order: Order) -> dict[str, str]:
    headers = _common("X-CloudTasks", order)
    if order.previous_response is not None:  # none, too, while RunTask overtakes the first attempt
        headers["X-CloudTasks-TaskPreviousResponse"] = str(order.previous_response or NO_RESPONSE)
    if order.retry_count:
        headers["X-CloudTasks-TaskRetryReason"] = ""
    return headers


def _app_engine(order: Order) -> dict[str, str]:
    headers = _common("X-AppEngine", order)
    headers["X-AppEngine-FailFast"] = "false"
    if order.retry_count:
        answered = bool(order.previous_response)
        headers["X-AppEngine-TaskPreviousResponse"] = str(order.previous_response or 0)
        reason = "App Error" if answered else "Instance Unavailable"  # recorded
        headers["X-AppEngine-TaskRetryReason"] = reason
    return headers


def _common(family: str, order: Order) -> dict[str, str]:
    return {
        f"{family}-QueueName": order.queue_id,
        f"{family}-TaskName": order.task_id,
        f"{family}-TaskRetryCount": str(order.retry_count),
        f"{family}-TaskExecutionCount": str(order.execution_count),
        f"{family}-TaskETA": eta(order.schedule_time),
    }


def eta(schedule_time: datetime) -> str:
    """Write a time as seconds since 1970 with as many digits as a double has (recorded)."""
    return f"{schedule_time.timestamp():.17g}"
