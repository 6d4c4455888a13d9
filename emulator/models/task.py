"""A task from its creation to the end of the time that its name rests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Expression, F, Q
from django.db.models.functions import Least

from ..names import TaskName
from ..rows import Insert, Save
from .lean import DueTask, NewTask, take_lease
from .queue import Queue

UNANSWERED = 0  # the previous_response of an attempt that brought no answer
RETENTION = timedelta(days=31)


class TaskQuerySet(models.QuerySet["Task"]):
    """States of tasks as words, and the transitions of many at once as verbs."""

    def live(self) -> Self:
        """Return tasks that have not ended."""
        return self.filter(outcome="")

    def due(self, now: datetime | Expression) -> Self:
        """Return waiting tasks to dispatch now, the longest due first."""
        return self.waiting().filter(due_at__lte=now).order_by("due_at", "pk")

    def waiting(self) -> Self:
        """Return live tasks without an attempt under way."""
        return self.live().filter(due_at=F("schedule_time"))

    def leased(self) -> Self:
        """Return live tasks with an attempt under way."""
        return self.live().exclude(due_at=F("schedule_time"))

    def waiting_to_retry(self) -> Self:
        """Return live tasks whose schedule_time was set by a failure, not by their creator."""
        return self.waiting().filter(dispatch_count__gt=0)

    def made_ahead(self, now: datetime) -> Self:
        """Return tasks made, to run at once, at a time that the clock has yet to reach again."""
        at_once = Q(schedule_time__lt=F("create_time") + timedelta(seconds=1))  # it has no fraction
        # SQLite asks in this order, and reckons with dates in Python: few rows may get so far.
        return self.waiting().filter(dispatch_count=0, create_time__gt=now).filter(at_once)

    def outlived(self, now: datetime) -> Self:
        """Return live tasks past the 31 days that Cloud Tasks keeps one unless told otherwise."""
        return self.live().filter(create_time__lt=now - RETENTION, queue__task_ttl=None)

    def end(self, outcome: str, now: datetime) -> int:
        """End these tasks; their names rest from now on."""
        return self.live().update(outcome=outcome, ended_at=now)

    def release(self, now: datetime) -> int:
        """Make tasks whose attempt was cut off due again at once."""
        at_once = Least(F("schedule_time"), now, output_field=models.DateTimeField())
        return self.leased().update(
            schedule_time=at_once, due_at=at_once, previous_response=UNANSWERED
        )


class Task(models.Model):
    """One task. An ended one stays: it is the tombstone of its name and the record of its fate."""

    class Outcome(models.TextChoices):
        DONE = "done"
        GAVE_UP = "gave up", "Gave up"
        DELETED = "deleted"
        PURGED = "purged"

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="tasks", db_index=False)
    short_name = models.CharField("name", max_length=500)
    method = models.CharField(max_length=8)
    url = models.TextField()
    create_time = models.DateTimeField()
    schedule_time = models.DateTimeField()
    dispatch_deadline = models.DurationField()
    # The canonical v2 Task, serialized, without what has a column of its own.
    spec = models.BinaryField()
    body = models.BinaryField()
    # schedule_time while it waits, the end of the lease while an attempt is under way.
    due_at = models.DateTimeField()
    dispatch_count = models.PositiveIntegerField(default=0)
    response_count = models.PositiveIntegerField(default=0)
    # Answered attempts without the 5xx: what X-CloudTasks-TaskExecutionCount says.
    execution_count = models.PositiveIntegerField(default=0)
    previous_response = models.PositiveSmallIntegerField(null=True)
    first_dispatch_time = models.DateTimeField(null=True)
    last_schedule_time = models.DateTimeField(null=True)
    last_dispatch_time = models.DateTimeField(null=True)
    last_response_time = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, choices=Outcome, default="", blank=True)
    ended_at = models.DateTimeField(null=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["queue", "short_name"], name="one_task_a_name")
        ]
        indexes = [
            models.Index(fields=["queue", "due_at"], condition=Q(outcome=""), name="task_due"),
            models.Index(fields=["queue", "id"], condition=Q(outcome=""), name="task_live"),
            models.Index(fields=["ended_at"], condition=~Q(outcome=""), name="task_ended"),
        ]

    def __str__(self) -> str:
        return self.short_name

    @property
    def name(self) -> str:
        """The full name; reads the queue."""
        return str(TaskName(self.queue.name, self.short_name))

    @property
    def state(self) -> str:
        """The outcome, or what a live task is doing."""
        if self.outcome:
            return self.outcome
        if self.due_at != self.schedule_time:
            return "running"
        return "retrying" if self.dispatch_count else "waiting"

    @staticmethod
    def store_all(tasks: Sequence[NewTask]) -> None:
        """Insert the rows, which get their primary keys."""
        _insert(tasks)

    @staticmethod
    def store_leases(tasks: "Sequence[Task | DueTask]") -> None:
        """Save the leases that tasks have taken."""
        _save_lease(tasks)

    @staticmethod
    def succeed_all(answers: "Iterable[Success]") -> set[int]:
        """End those as done that have not ended yet, each counted once; returns their keys."""
        return _succeed(list({each.pk: each for each in answers}.values()))

    def rests(self, now: datetime, tombstone: timedelta) -> bool:
        """Say whether the task ended so lately that its name cannot be used again."""
        return self.ended_at is not None and self.ended_at > now - tombstone

    def lease(self, now: datetime) -> None:
        """Count a dispatch, and keep the task from being claimed until it is reported on.

        To be saved with `store_leases`.
        """
        take_lease(self, now)

    def give_up(self, now: datetime) -> None:
        """End after the last failure."""
        self.outcome, self.ended_at = self.Outcome.GAVE_UP, now
        _save_end([self])

    def retry_at(self, instant: datetime) -> None:
        """Wait for the next attempt."""
        self.schedule_time = self.due_at = instant
        _save_retry([self])

    def count_answer(self, status: int | None) -> None:
        """Keep the count of a failed attempt, and move nothing: a later one is under way."""
        if self.previous_response is None:
            self.previous_response = status or UNANSWERED
        self._count(status)
        _save_counts([self])

    def note_answer(self, status: int | None, now: datetime) -> None:
        """Count what an attempt brought, to be saved with the transition that follows."""
        self.previous_response = status or UNANSWERED
        self.last_response_time = now
        self._count(status)

    def _count(self, status: int | None) -> None:
        if status is not None:
            self.response_count += 1
            self.execution_count += status < 500


@dataclass(slots=True)
class Success:
    """A 2xx for the task of that primary key, in the names of its columns."""

    pk: int
    previous_response: int
    last_response_time: datetime
    ended_at: datetime
    outcome: str = Task.Outcome.DONE.value
    response_count: int = 1
    execution_count: int = 1


_ANSWERED = ("previous_response", "last_response_time", "response_count", "execution_count")
_insert = Insert(Task)
_save_lease = Save(
    Task,
    "due_at",
    "dispatch_count",
    "first_dispatch_time",
    "last_schedule_time",
    "last_dispatch_time",
    "last_response_time",
)
_save_end = Save(Task, *_ANSWERED, "outcome", "ended_at")
_save_retry = Save(Task, *_ANSWERED, "schedule_time", "due_at")
_save_counts = Save(Task, "previous_response", "response_count", "execution_count")
_succeed = Save(
    Task,
    "previous_response",
    "last_response_time",
    "outcome",
    "ended_at",
    plus=("response_count", "execution_count"),
    blank="outcome",
)
