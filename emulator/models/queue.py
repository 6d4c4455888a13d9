"""A queue with its limits and its retry rules, under the names of the v2 API."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models

from ..backoff import RetryRules
from ..bucket import burst_size
from ..names import QueueName, parse_queue_name


class QueueQuerySet(models.QuerySet["Queue"]):
    """States of queues as words."""

    def live(self) -> Self:
        """Return queues that have not been deleted."""
        return self.filter(deleted_at=None)

    def resting(self, now: datetime, cooldown: timedelta) -> Self:
        """Return queues deleted so lately that their names cannot be used again."""
        return self.filter(deleted_at__gt=now - cooldown)


class Queue(models.Model):
    """One queue. A deleted one stays as a row until its name may be used and its tasks are old."""

    class State(models.TextChoices):
        RUNNING = "RUNNING"
        PAUSED = "PAUSED"
        DISABLED = "DISABLED"

    name = models.CharField(max_length=500)
    parent = models.CharField(max_length=400)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    max_dispatches_per_second = models.FloatField(default=500.0)
    max_concurrent_dispatches = models.IntegerField(default=1000)
    max_attempts = models.IntegerField(default=100)
    max_retry_duration = models.DurationField(default=timedelta(0))
    min_backoff = models.DurationField(default=timedelta(milliseconds=100))
    max_backoff = models.DurationField(default=timedelta(hours=1))
    max_doublings = models.IntegerField(default=16)
    # A serialized v2 Queue with the fields that have no column here, so that none is lost.
    rest = models.BinaryField(default=b"")
    created_at = models.DateTimeField()
    purge_time = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    bucket_size = models.IntegerField(null=True)  # only a queue.yaml sets it
    # Of v2beta3; null where it was never set there.
    task_ttl = models.DurationField(null=True)
    tombstone_ttl = models.DurationField(null=True)

    objects = QueueQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(deleted_at=None), name="one_live_queue_a_name"
            )
        ]
        indexes = [models.Index(fields=["name", "deleted_at"], name="queue_by_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def id_in_location(self) -> str:
        """The short id, as targets see it."""
        name = parse_queue_name(self.name)
        return name.id if name else self.name

    @property
    def max_burst_size(self) -> int:
        """The bucket's size, which follows from the rate unless a queue.yaml says otherwise."""
        return self.bucket_size or burst_size(self.max_dispatches_per_second)

    @property
    def retry_rules(self) -> RetryRules:
        """The RetryConfig as rules."""
        return RetryRules(
            max_attempts=self.max_attempts,
            max_retry_duration=self.max_retry_duration,
            min_backoff=self.min_backoff,
            max_backoff=self.max_backoff,
            max_doublings=self.max_doublings,
        )

    def rename(self, name: QueueName) -> None:
        """Take the name of a queue that is about to be created."""
        self.name, self.parent = str(name), name.parent

    def pause(self) -> None:
        """Stop dispatching; creating tasks goes on."""
        self._become(self.State.PAUSED)

    def resume(self) -> None:
        """Dispatch again."""
        self._become(self.State.RUNNING)

    def purge(self, now: datetime) -> None:
        """Note the purge; the tasks are ended by their own verb."""
        self.purge_time = now
        self.save(update_fields=["purge_time"])

    def retire(self, now: datetime) -> None:
        """Delete the queue for every caller; the row keeps the name resting."""
        self.deleted_at = now
        self.save(update_fields=["deleted_at"])

    def _become(self, state: State) -> None:
        self.state = state
        self.save(update_fields=["state"])
