"""Rows to protobuf messages of the v2 API and back: the only place that knows both shapes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from .backoff import RetryRules
from .google_types import tasks_v2
from .headers import NO_RESPONSE
from .models import Queue, Task
from .work import Credentials

# The raw classes behind google-cloud-tasks' own: same wire format, a third of the cost.
QueueMessage: Any = tasks_v2.Queue.pb()
TaskMessage: Any = tasks_v2.Task.pb()
HttpMethod: Any = tasks_v2.HttpMethod
FULL = int(tasks_v2.Task.View.FULL)
BASIC = int(tasks_v2.Task.View.BASIC)

DEFAULT_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_LONGEST_SECONDS = 315_576_000_000  # ten thousand years, says the proto

# google.rpc.Code for the HTTP statuses that have one of their own.
_RPC = {
    400: (3, "INVALID_ARGUMENT"),
    401: (16, "UNAUTHENTICATED"),
    403: (7, "PERMISSION_DENIED"),
    404: (5, "NOT_FOUND"),
    409: (10, "ABORTED"),
    429: (8, "RESOURCE_EXHAUSTED"),
    499: (1, "CANCELLED"),
    501: (12, "UNIMPLEMENTED"),
    503: (14, "UNAVAILABLE"),
    NO_RESPONSE: (4, "DEADLINE_EXCEEDED"),
}


_EPOCH = datetime.fromtimestamp(0, UTC)


def fill_timestamp(message: Timestamp, instant: datetime) -> None:
    """Write an aware datetime into a Timestamp, at a fifth of what FromDatetime takes."""
    since = instant - _EPOCH
    message.seconds = since.days * 86_400 + since.seconds
    message.nanos = since.microseconds * 1000


def instant(message: Timestamp) -> datetime:
    """Return a Timestamp as an aware datetime, cut to microseconds; raises ValueError beyond it."""
    return _EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)


def span(message: Duration) -> timedelta:
    """Return a Duration as a timedelta, cut to microseconds and to what a Duration may hold."""
    seconds = max(-_LONGEST_SECONDS, min(message.seconds, _LONGEST_SECONDS))
    return timedelta(seconds=seconds, microseconds=int(message.nanos / 1000))


def queue_message(queue: Queue) -> Any:
    """Return a queue as GetQueue answers it, every default filled in."""
    message = QueueMessage.FromString(bytes(queue.rest))
    message.name = queue.name
    message.state = QueueMessage.State.Value(queue.state)
    limits, retry = message.rate_limits, message.retry_config
    limits.max_dispatches_per_second = queue.max_dispatches_per_second
    limits.max_burst_size = queue.max_burst_size
    limits.max_concurrent_dispatches = queue.max_concurrent_dispatches
    retry.max_attempts = queue.max_attempts
    if queue.max_retry_duration:  # left out rather than zero where there is no such limit
        retry.max_retry_duration.FromTimedelta(queue.max_retry_duration)
    retry.min_backoff.FromTimedelta(queue.min_backoff)
    retry.max_backoff.FromTimedelta(queue.max_backoff)
    retry.max_doublings = queue.max_doublings
    if queue.purge_time:
        message.purge_time.FromDatetime(queue.purge_time)
    return message


def task_message(task: Task, queue_name: str, view: int) -> Any:
    """Return a task in one of its views; the basic one withholds the body and nothing else."""
    message = TaskMessage.FromString(bytes(task.spec))
    message.name = f"{queue_name}/tasks/{task.short_name}"
    message.schedule_time.FromDatetime(task.schedule_time)
    message.create_time.FromDatetime(task.create_time)
    message.dispatch_deadline.FromTimedelta(task.dispatch_deadline)
    message.dispatch_count = task.dispatch_count
    message.response_count = task.response_count
    message.view = FULL if view == FULL else BASIC
    if view == FULL:
        payload(message).body = bytes(task.body)
    if task.first_dispatch_time:
        message.first_attempt.dispatch_time.FromDatetime(task.first_dispatch_time)
        _fill_last_attempt(message.last_attempt, task)
    return message


def payload(message: Any) -> Any:
    """Return the request in a Task message, of whichever kind."""
    if message.HasField("app_engine_http_request"):
        return message.app_engine_http_request
    return message.http_request


def queue_extras(queue: Queue) -> Any:
    """Return a Queue message with what has no column: http_target, App Engine routing and more."""
    return QueueMessage.FromString(bytes(queue.rest))


def _fill_last_attempt(attempt: Any, task: Task) -> None:
    if not task.last_schedule_time or not task.last_dispatch_time:
        return
    attempt.schedule_time.FromDatetime(task.last_schedule_time)
    attempt.dispatch_time.FromDatetime(task.last_dispatch_time)
    if task.last_response_time and task.previous_response is not None:
        status = task.previous_response or NO_RESPONSE
        attempt.response_time.FromDatetime(task.last_response_time)
        code, name = _RPC.get(status, _default_rpc(status))
        attempt.response_status.code = code
        attempt.response_status.message = f"{name}({code}): HTTP status code {status}"


def _default_rpc(status: int) -> tuple[int, str]:
    return (13, "INTERNAL") if status >= 500 else (2, "UNKNOWN")


def task_rules(task: Task, queue: Queue) -> RetryRules:
    """Return the retry rules of a task: its own retry_config, the queue's for what that leaves."""
    rules = queue.retry_rules
    message = TaskMessage.FromString(bytes(task.spec))
    if not message.HasField("retry_config"):
        return rules
    own = message.retry_config
    return RetryRules(
        max_attempts=own.max_attempts or rules.max_attempts,
        max_retry_duration=span(own.max_retry_duration) or rules.max_retry_duration,
        min_backoff=span(own.min_backoff) or rules.min_backoff,
        max_backoff=span(own.max_backoff) or rules.max_backoff,
        max_doublings=own.max_doublings or rules.max_doublings,
    )


def credentials(request: Any) -> Credentials | None:
    """Return the account an HttpRequest speaks for, or None.

    Without an audience it is the URL; without a scope it is the one the v2 proto documents.
    """
    if request.HasField("oidc_token"):
        identity = request.oidc_token
        return Credentials(identity.service_account_email, identity.audience or request.url)
    if request.HasField("oauth_token"):
        access = request.oauth_token
        return Credentials(access.service_account_email, None, access.scope or DEFAULT_SCOPE)
    return None
