"""Rows of the hot path without their models, of which an instance costs many times as much.

The fields have the names of their columns; a test holds them against the models.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

# How long after its deadline an attempt that nobody knows of any more is given up.
LEASE_MARGIN = timedelta(seconds=60)


def take_lease(task: Any, now: datetime) -> None:
    """Count a dispatch of a row or of a model, and keep it from being claimed meanwhile."""
    task.due_at = now + task.dispatch_deadline + LEASE_MARGIN
    task.dispatch_count += 1
    task.first_dispatch_time = task.first_dispatch_time or now
    task.last_schedule_time, task.last_dispatch_time = task.schedule_time, now
    task.last_response_time = None


@dataclass(slots=True)
class DueTask:
    """A task as a claim reads it: what a dispatch needs to know, and what it writes."""

    pk: int
    short_name: str
    method: str
    spec: bytes
    body: bytes
    schedule_time: datetime
    dispatch_deadline: timedelta
    dispatch_count: int = 0
    response_count: int = 0
    execution_count: int = 0
    previous_response: int | None = None
    first_dispatch_time: datetime | None = None
    # Up to here a claim reads; the rest it writes.
    due_at: datetime | None = None
    last_schedule_time: datetime | None = None
    last_dispatch_time: datetime | None = None
    last_response_time: datetime | None = None

    def lease(self, now: datetime) -> None:
        """Count a dispatch, as `Task.lease` does; to be saved with `Task.store_leases`."""
        take_lease(self, now)


CLAIMED = tuple(DueTask.__dataclass_fields__)[:12]


@dataclass(slots=True, kw_only=True)
class NewTask(DueTask):
    """A task about to be stored, with every column of its row."""

    pk: int = 0  # until it is stored
    queue_id: int
    url: str
    create_time: datetime
    outcome: str = ""
    ended_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class NewAttempt:
    """An attempt about to be stored, with every column of its row."""

    pk: int = 0  # until it is stored
    task_id: int
    number: int
    schedule_time: datetime
    dispatch_time: datetime
    forced: bool = False
    extra: bool = False
    method: str = ""
    url: str = ""
    request_headers: list[tuple[str, str]] = field(default_factory=list)
    ended_at: datetime | None = None
    status: int | None = None
    error: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
