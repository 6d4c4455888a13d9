"""Queues and tasks as pages show them and as the API's messages spell them, both ways."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .drafts import Draft
from .names import short

# What CreateQueue fills in where a value is left out or zero (recorded answers and the docs agree).
DEFAULTS: dict[str, float | None] = {
    "max_dispatches_per_second": 500.0,
    "max_concurrent_dispatches": 1000,
    "max_attempts": 100,
    "max_retry_duration": None,
    "min_backoff": 0.1,
    "max_backoff": 3600.0,
    "max_doublings": 16,
}
RATE_LIMITS = ("max_dispatches_per_second", "max_concurrent_dispatches")


@dataclass(frozen=True)
class Queue:
    """A queue; durations in seconds, `max_retry_duration` None where it is not limited."""

    name: str
    state: str  # RUNNING, PAUSED or DISABLED
    max_dispatches_per_second: float
    max_burst_size: int
    max_concurrent_dispatches: int
    max_attempts: int
    max_retry_duration: float | None
    min_backoff: float
    max_backoff: float
    max_doublings: int
    purge_time: datetime | None = None

    @property
    def id(self) -> str:
        return short(self.name)

    @property
    def running(self) -> bool:
        return self.state == "RUNNING"

    @classmethod
    def from_api(cls, queue: Any) -> "Queue":
        rate, retry = queue.rate_limits, queue.retry_config
        return cls(
            name=queue.name,
            state=queue.state.name,
            max_dispatches_per_second=rate.max_dispatches_per_second,
            max_burst_size=rate.max_burst_size,
            max_concurrent_dispatches=rate.max_concurrent_dispatches,
            max_attempts=retry.max_attempts,
            max_retry_duration=_seconds(retry.max_retry_duration) or None,
            min_backoff=_seconds(retry.min_backoff),
            max_backoff=_seconds(retry.max_backoff),
            max_doublings=retry.max_doublings,
            purge_time=_instant(queue.purge_time),
        )


@dataclass(frozen=True)
class Depth:
    """How full a queue is: tasks in it, when the oldest is due, and how many run now."""

    tasks: int
    oldest_at: datetime | None
    running: int

    @classmethod
    def from_api(cls, stats: Any) -> "Depth":
        return cls(
            tasks=stats.tasks_count,
            oldest_at=_instant(stats.oldest_estimated_arrival_time),
            running=stats.concurrent_dispatches_count,
        )


@dataclass(frozen=True)
class Task:
    """A task that still exists, with what Cloud Tasks tells of its attempts."""

    name: str
    url: str
    method: str
    schedule_time: datetime | None
    create_time: datetime | None
    dispatch_count: int
    response_count: int
    first_attempt_at: datetime | None
    last_attempt_at: datetime | None
    last_response_at: datetime | None
    last_attempt_text: str
    headers: tuple[tuple[str, str], ...] = ()
    account: str = ""
    audience: str = ""

    @property
    def id(self) -> str:
        return short(self.name)

    @property
    def under_way_since(self) -> datetime | None:
        """When the attempt was dispatched whose answer is still awaited, if there is one."""
        return None if self.last_response_at else self.last_attempt_at

    @classmethod
    def from_api(cls, task: Any) -> "Task":
        last = task.last_attempt
        status: Any = last.response_status if last else None
        code = status.code if status else 0
        return cls(
            name=task.name,
            url=task.http_request.url,
            method=task.http_request.http_method.name if task.http_request.url else "",
            schedule_time=_instant(task.schedule_time),
            create_time=_instant(task.create_time),
            dispatch_count=task.dispatch_count,
            response_count=task.response_count,
            first_attempt_at=_instant(task.first_attempt and task.first_attempt.dispatch_time),
            last_attempt_at=_instant(last and last.dispatch_time),
            last_response_at=_instant(last and last.response_time),
            last_attempt_text=(status.message or f"status code {code}") if code else "",
            headers=tuple(sorted(task.http_request.headers.items())),
            account=task.http_request.oidc_token.service_account_email,
            audience=task.http_request.oidc_token.audience,
        )


def _instant(value: Any) -> datetime | None:
    """Return a plain datetime: the client's own subclass is more than a database adapter takes."""
    return datetime.fromtimestamp(value.timestamp(), UTC) if value else None


def _seconds(duration: Any) -> float:
    return duration.total_seconds() if duration else 0.0


def task_message(draft: Draft) -> dict[str, Any]:
    """Return the Task that CreateTask is given."""
    request: dict[str, Any] = {
        "url": draft.url,
        "http_method": draft.method,
        "headers": dict(draft.headers),
        "body": draft.body,
    }
    if draft.account:
        request["oidc_token"] = {
            "service_account_email": draft.account,
            "audience": draft.audience,
        }
    task: dict[str, Any] = {"name": draft.name, "http_request": request}
    if draft.schedule_time:
        task["schedule_time"] = draft.schedule_time
    return task


def queue_message(name: str, limits: dict[str, float | None]) -> dict[str, Any]:
    """Return a Queue with these limits set; None leaves one out, which means the default."""
    message: dict[str, Any] = {"name": name, "rate_limits": {}, "retry_config": {}}
    for limit, value in limits.items():
        if value is not None:
            is_time = limit.endswith(("backoff", "duration"))
            group = message[mask_path(limit).split(".")[0]]
            group[limit] = timedelta(seconds=value) if is_time else value
    return message


def mask_path(limit: str) -> str:
    """Return a limit's path in an update mask."""
    return f"{'rate_limits' if limit in RATE_LIMITS else 'retry_config'}.{limit}"
