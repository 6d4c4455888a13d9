"""What a new task may be, and the canonical form in which Cloud Tasks keeps it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from . import errors
from .errors import invalid
from .messages import HttpMethod, TaskMessage, duration, instant, span, timestamp
from .settings_rules import check_task_retry_config

USER_AGENT = "Google-Cloud-Tasks"
LARGEST_TASK = 2**20 - 7  # serialized, as measured against the real service
LONGEST_URL = 2083
HEADERS_BELOW = 80 * 1024
FURTHEST_SCHEDULE = timedelta(hours=720)
DEFAULT_DEADLINE = timedelta(minutes=10)
_DEADLINES = (timedelta(seconds=15), timedelta(minutes=30))
_SET_BY_CLOUD_TASKS = {"host", "content-length", "user-agent"}
_SERVICE_PREFIXES = ("x-google-", "x-appengine-", "x-cloudtasks-")
WITH_BODY = ("POST", "PUT", "PATCH")


def canonical(task: Any, name: str, now: datetime) -> Any:
    """Return the task as it is stored and echoed; raises Refused for the first rule it breaks."""
    _check_http_request(task)
    stored = TaskMessage(name=name)
    _fill_http_request(stored.http_request, task.http_request)
    stored.create_time.FromDatetime(now.replace(microsecond=0))
    stored.schedule_time.CopyFrom(_schedule_time(task, now))
    stored.dispatch_deadline.CopyFrom(_dispatch_deadline(task))
    if task.HasField("retry_config"):
        check_task_retry_config(task.retry_config)
        stored.retry_config.CopyFrom(task.retry_config)
    if stored.ByteSize() > LARGEST_TASK:
        raise invalid("Task size too large")
    return stored


def _check_http_request(task: Any) -> None:
    if task.HasField("app_engine_http_request"):
        raise errors.not_served("Task.app_engine_http_request")
    if not task.HasField("http_request"):
        raise invalid("Task.payload_type is not set.")
    request = task.http_request
    if not request.url:
        raise invalid("HttpRequest.url is required.")
    if not request.url.lower().startswith(("http://", "https://")):
        raise invalid("HttpTarget.url must start with 'http://' or 'https://'.")
    if len(request.url) > LONGEST_URL:
        raise invalid(f"HttpRequest.url must be no longer than {LONGEST_URL} characters.")
    if request.body and method_name(request) not in WITH_BODY:
        raise invalid("HttpRequest.body is only allowed for POST, PUT and PATCH.")
    size = sum(len(key.encode()) + len(value.encode()) for key, value in request.headers.items())
    if size >= HEADERS_BELOW:
        raise invalid("HttpRequest.headers must be less than 80KB.")
    _check_authorization(request)


def _check_authorization(request: Any) -> None:
    for kind in ("oidc_token", "oauth_token"):
        if request.HasField(kind) and not getattr(request, kind).service_account_email:
            raise invalid("HttpRequest.authorization_header needs a service_account_email.")


def method_name(request: Any) -> str:
    """Return the HTTP method as a word; raises Refused for a number that is none."""
    try:
        return HttpMethod(request.http_method or HttpMethod.POST).name
    except ValueError:
        raise invalid("HttpRequest.http_method is not a known method.") from None


def _fill_http_request(stored: Any, request: Any) -> None:
    stored.CopyFrom(request)
    stored.http_method = HttpMethod[method_name(request)]
    for key in request.headers:
        if _is_reserved(key):
            del stored.headers[key]
    stored.headers["User-Agent"] = USER_AGENT


def _is_reserved(header: str) -> bool:
    name = header.lower()
    return name in _SET_BY_CLOUD_TASKS or name.startswith(_SERVICE_PREFIXES)


def _schedule_time(task: Any, now: datetime) -> Any:
    if not task.HasField("schedule_time"):
        return timestamp(now)
    try:
        wanted = instant(task.schedule_time)
    except OverflowError:
        raise invalid("Task.scheduleTime is not a valid timestamp.") from None
    if wanted > now + FURTHEST_SCHEDULE:
        raise errors.schedule_too_far(pacific(task.schedule_time))
    return timestamp(max(wanted, now))


def _dispatch_deadline(task: Any) -> Any:
    if not task.HasField("dispatch_deadline"):
        return duration(DEFAULT_DEADLINE)
    shortest, longest = _DEADLINES
    if not shortest <= span(task.dispatch_deadline) <= longest:
        raise invalid("Task.dispatchDeadline must be between [15s, 30m].")
    return task.dispatch_deadline


def pacific(message: Any) -> str:
    """Write a Timestamp as Google's messages do: RFC 3339 in Pacific time, fraction trimmed."""
    whole = instant(message).replace(microsecond=0)
    try:
        local = whole.astimezone(ZoneInfo("America/Los_Angeles"))
    except (ZoneInfoNotFoundError, OverflowError):  # no zone data here, or the year 9999
        local = whole.astimezone(UTC)
    fraction = f".{message.nanos:09d}".rstrip("0").rstrip(".")
    text = local.isoformat()
    return f"{text[:19]}{fraction}{text[19:]}"
