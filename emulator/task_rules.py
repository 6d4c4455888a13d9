"""What a new task may be, and the canonical form in which Cloud Tasks keeps it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from . import app_engine, errors, headers
from .errors import invalid
from .messages import HttpMethod, TaskMessage, fill_timestamp, instant, span
from .nanos import is_duration, is_timestamp
from .settings_rules import check_task_retry_config
from .urls import encoded

LARGEST_TASK = 2**20 - 7  # serialized, as measured against the real service
LONGEST_URL = 2083
FURTHEST_SCHEDULE = timedelta(hours=720)
DEFAULT_DEADLINE = timedelta(minutes=10)
_DEADLINES = (timedelta(seconds=15), timedelta(minutes=30))
_NONE = timedelta(0)
_MILLISECOND = timedelta(milliseconds=1)
_METHODS = {int(each): each.name for each in HttpMethod} | {0: "POST"}
_NUMBERS = {name: number for number, name in _METHODS.items() if number}
WITH_BODY = ("POST", "PUT", "PATCH")


def canonical(task: Any, name: str, now: datetime, *, https_tokens: bool = False) -> Any:
    """Return the task as it is stored and echoed; raises Refused for the first rule it breaks.

    With `https_tokens` an `http://` URL with a token is refused, as Google does.
    """
    stored = TaskMessage(name=name)
    if task.HasField("app_engine_http_request"):
        _fill_app_engine_request(stored, task.app_engine_http_request)
    else:
        _check_http_request(task, https_tokens)
        _fill_http_request(stored.http_request, task.http_request)
    fill_timestamp(stored.create_time, now.replace(microsecond=0))
    fill_timestamp(stored.schedule_time, _schedule_time(task, now))
    stored.dispatch_deadline.FromTimedelta(_dispatch_deadline(task))
    if task.HasField("retry_config"):
        check_task_retry_config(task.retry_config)
        stored.retry_config.CopyFrom(task.retry_config)
    if stored.ByteSize() > LARGEST_TASK:
        raise invalid("Task size too large")
    return stored


def _check_http_request(task: Any, https_tokens: bool) -> None:
    if not task.HasField("http_request"):
        raise invalid("Task.payload_type is not set.")
    request = task.http_request
    if not request.url:
        raise invalid("HttpRequest.url is required.")
    if not request.url.lower().startswith(("http://", "https://")):
        raise invalid("HttpTarget.url must start with 'http://' or 'https://'.")
    if len(encoded(request.url)) > LONGEST_URL:
        raise invalid(f"HttpRequest.url must be no longer than {LONGEST_URL} characters.")
    if request.body and method_name(request) not in WITH_BODY:
        raise invalid("HttpRequest.body is only allowed for POST, PUT and PATCH.")
    headers.check(request.headers, "HttpRequest.headers")
    _check_authorization(request, https_tokens)


def _check_authorization(request: Any, https_tokens: bool) -> None:
    for kind in ("oidc_token", "oauth_token"):
        if not request.HasField(kind):
            continue
        if https_tokens and not request.url.lower().startswith("https://"):
            raise errors.token_needs_https()
        if not getattr(request, kind).service_account_email:
            raise invalid("HttpRequest.authorization_header needs a service_account_email.")


def method_name(request: Any) -> str:
    """Return the HTTP method as a word; raises Refused for a number that is none."""
    try:
        return _METHODS[request.http_method]
    except KeyError:
        kind = request.DESCRIPTOR.name
        raise invalid(f"{kind}.http_method is not a known method.") from None


def _fill_http_request(stored: Any, request: Any) -> None:
    stored.CopyFrom(request)
    stored.http_method = _NUMBERS[method_name(request)]
    for key in request.headers:
        if headers.is_reserved(key):
            del stored.headers[key]
    stored.headers["User-Agent"] = headers.USER_AGENT


def _fill_app_engine_request(stored: Any, request: Any) -> None:
    app_engine.check_request(request, method_name(request))
    app_engine.fill_stored(stored.app_engine_http_request, request)
    stored.app_engine_http_request.http_method = _NUMBERS[method_name(request)]


def _schedule_time(task: Any, now: datetime) -> datetime:
    if not task.HasField("schedule_time"):
        return now
    wanted = _instant(task.schedule_time)
    if wanted > now + FURTHEST_SCHEDULE:
        raise errors.schedule_too_far(pacific(task.schedule_time))
    return max(wanted, now)


def _instant(message: Any) -> datetime:
    try:
        found = instant(message)
    except OverflowError:
        found = None
    if found is None or not is_timestamp(message):
        raise invalid("Task.scheduleTime is not a valid timestamp.")
    return found


def _dispatch_deadline(task: Any) -> timedelta:
    if not task.HasField("dispatch_deadline"):
        return DEFAULT_DEADLINE
    if not is_duration(task.dispatch_deadline):
        raise invalid("Task.dispatchDeadline is not a valid duration.")
    wanted = span(task.dispatch_deadline)
    cut = wanted - wanted % _MILLISECOND  # as documented
    if not task.HasField("app_engine_http_request"):
        if not _DEADLINES[0] <= wanted <= _DEADLINES[1]:
            raise invalid("Task.dispatchDeadline must be between [15s, 30m].")
        return cut
    if wanted == _NONE:  # the default, as the v2 proto documents for App Engine
        return DEFAULT_DEADLINE
    if not app_engine.DEADLINES[0] <= wanted <= app_engine.DEADLINES[1]:
        raise invalid("Task.dispatchDeadline must be between [15s, 24h15s].")
    return cut


def destination(stored: Any) -> str:
    """Return the URL of a stored task, which for App Engine is a relative one."""
    if stored.HasField("app_engine_http_request"):
        return str(stored.app_engine_http_request.relative_uri)
    return str(stored.http_request.url)


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
