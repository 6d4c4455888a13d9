"""One try of a task: what came back, or why nothing did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.db import models

from ..rows import Insert, Save
from .lean import NewAttempt
from .task import Task

INTERRUPTED = "The emulator was stopped while this attempt was under way."


class AttemptQuerySet(models.QuerySet["Attempt"]):
    """States of attempts as words."""

    def running(self) -> Self:
        """Return attempts under way."""
        return self.filter(ended_at=None)

    def interrupt(self, now: datetime) -> int:
        """End these attempts as cut off by a stop of the emulator."""
        return self.update(ended_at=now, error=INTERRUPTED)


class Attempt(models.Model):
    """The row is committed before the request goes out, so no request is without its row."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    forced = models.BooleanField(default=False)  # by RunTask
    schedule_time = models.DateTimeField()
    dispatch_time = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    error = models.TextField(default="", blank=True)
    headers = models.JSONField(default=list)
    body = models.BinaryField(default=b"")
    # What was asked, for a queue's settings may change it from one attempt to the next.
    method = models.CharField(max_length=8, default="")
    url = models.TextField(default="")
    request_headers = models.JSONField(default=list)
    extra = models.BooleanField(default=False)  # a duplicate made on purpose, by a tester

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["-number", "-pk"]
        indexes = [
            models.Index(
                fields=["dispatch_time"], condition=models.Q(ended_at=None), name="attempt_running"
            ),
            models.Index(fields=["ended_at"], name="attempt_by_end"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}"

    @staticmethod
    def store_all(attempts: Sequence[NewAttempt]) -> None:
        """Insert the rows, which get their primary keys."""
        _insert(attempts)

    @staticmethod
    def end_all(ends: "Sequence[End]") -> None:
        """Save what came back for each of them."""
        _save_end(ends)

    @property
    def duration(self) -> timedelta | None:
        """How long it took, or None while it runs."""
        return self.ended_at - self.dispatch_time if self.ended_at else None


@dataclass(slots=True)
class End:
    """What the attempt of that primary key brought, in the names of its columns."""

    pk: int
    ended_at: datetime
    status: int | None
    error: str
    headers: list[tuple[str, str]]
    body: bytes


_insert = Insert(Attempt)
_save_end = Save(Attempt, "ended_at", "status", "error", "headers", "body")
