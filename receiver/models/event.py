"""What the receiver keeps of each request it took: one Event."""

from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection, models
from django.db.models.base import ModelState
from django.utils import timezone


class EventQuerySet(models.QuerySet["Event"]):
    """Words for the states and groupings of events."""

    def succeeded(self) -> "EventQuerySet":
        return self.filter(outcome=Event.Outcome.SUCCEEDED)

    def failed(self) -> "EventQuerySet":
        return self.filter(outcome=Event.Outcome.FAILED)

    def of_task(self, queue: str, task: str) -> "EventQuerySet":
        """Events that claim this task, by the short ids of the X-CloudTasks headers."""
        return self.filter(queue=queue, task=task)

    def queues(self, most: int) -> list[str]:
        """Return the queues that events claim, in order: one probe of the index for each."""
        sql = """WITH RECURSIVE found(queue) AS (
            SELECT min(queue) FROM receiver_event WHERE queue > ''
            UNION ALL
            SELECT (SELECT min(queue) FROM receiver_event WHERE queue > found.queue)
            FROM found WHERE found.queue IS NOT NULL
        ) SELECT queue FROM found WHERE queue IS NOT NULL LIMIT %s"""
        with connection.cursor() as cursor:
            cursor.execute(sql, [most])
            return [row[0] for row in cursor.fetchall()]

    def ids_after(self, pk: int, most: int) -> set[int]:
        """Return the ids after one, the lowest of them: a poll, where a row of the ORM is dear."""
        sql = "SELECT id FROM receiver_event WHERE id > %s ORDER BY id LIMIT %s"
        with connection.cursor() as cursor:
            cursor.execute(sql, [pk, most])
            return {key for (key,) in cursor.fetchall()}

    def light(self) -> "EventQuerySet":
        """Rows for a list: everything but the columns that can be large."""
        return self.defer("body", "headers")


class Event(models.Model):
    """One request that the receiver took, never merged and never edited.

    `queue` and `task` are the short ids that the headers claim; `body` is the exact bytes.
    Text columns are escaped (control, bidi and surrogate characters as `\\xNN`, `\\uNNNN`) and cut.
    `search_text` is empty when the row is written: what a search looks at is filled in later.
    `status` is what was answered, 0 where a reply dropped the connection instead. `took_us` is the
    time in microseconds from the request's first byte until its row was written, a reply's delay
    with it; None where it is not known.
    """

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    class Source(models.TextChoices):
        CLOUD_TASKS = "cloud-tasks", "Cloud Tasks"
        CLOUD_SCHEDULER = "cloud-scheduler", "Cloud Scheduler"
        PUBSUB = "pubsub", "Pub/Sub"
        CLOUDEVENTS = "cloudevents", "CloudEvents"
        OTHER = "other", "Other"

    class Check(models.TextChoices):
        """How the caller was established."""

        VERIFIED = "verified", "Signature verified"
        IAM = "iam", "Checked by Cloud Run, claims read only"
        NONE = "none", "Not checked"

    received_at = models.DateTimeField(default=timezone.now, db_index=True)
    source = models.CharField(max_length=20, choices=Source.choices, default=Source.OTHER)
    queue = models.CharField(max_length=100, blank=True)
    task = models.CharField(max_length=500, blank=True, db_index=True)
    retry_count = models.IntegerField(null=True, blank=True)
    execution_count = models.IntegerField(null=True, blank=True)
    eta = models.DateTimeField(null=True, blank=True)
    previous_response = models.IntegerField(null=True, blank=True)
    retry_reason = models.CharField(max_length=200, blank=True)
    method = models.CharField(max_length=20)
    path = models.CharField(max_length=2083)
    query = models.TextField(blank=True)
    headers = models.JSONField(default=list)  # [[name, value], ...], secrets masked
    content_type = models.CharField(max_length=200, blank=True)
    body = models.BinaryField(default=b"")
    body_size = models.IntegerField(default=0)
    preview = models.CharField(max_length=160, blank=True)
    caller_account = models.CharField(max_length=320, blank=True)
    caller_audience = models.CharField(max_length=2083, blank=True)
    caller_check = models.CharField(max_length=10, choices=Check.choices, default=Check.NONE)
    status = models.IntegerField(default=200)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.SUCCEEDED)
    took_us = models.IntegerField("took (µs)", null=True, blank=True)
    trace = models.CharField(max_length=100, blank=True)
    reply = models.ForeignKey(
        "receiver.Reply", models.SET_NULL, null=True, blank=True, db_index=False, related_name="+"
    )
    reply_name = models.CharField(max_length=100, blank=True)  # survives the rule

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["queue", "id"]),
            models.Index(fields=["outcome", "id"]),
            # Few events have one, and only its deletion looks for them.
            models.Index(
                fields=["reply"], condition=models.Q(reply__isnull=False), name="event_reply"
            ),
        ]
        permissions = [("view_body", "Can view the bodies of events")]

    def __str__(self) -> str:
        return self.task or f"event {self.pk}"

    @classmethod
    def of(cls, *, received_at: datetime, headers: list[Any], **values: Any) -> "Event":
        """Return an event as the class would make it, for a tenth of the time.

        `received_at` and `headers` have to be given: their defaults are not to be shared.
        """
        event = cls.__new__(cls)
        values |= {"received_at": received_at, "headers": headers, "_state": ModelState()}
        event.__dict__ = _defaults() | values
        return event

    @property
    def attempt(self) -> int | None:
        """Which try of the task this was, from 1; None where no retry count was claimed."""
        return None if self.retry_count is None else self.retry_count + 1

    @property
    def lateness(self) -> float | None:
        """Seconds between the claimed ETA and the arrival; None without an ETA."""
        return (self.received_at - self.eta).total_seconds() if self.eta else None


@cache
def _defaults() -> dict[str, Any]:
    """Return an event's values, by name, where nothing else is said."""
    fields = Event._meta.concrete_fields
    found = {field.attname: field.get_default() for field in fields}
    # A choice is its text, not the enum's member, which drivers are slow with.
    return {name: str(value) if isinstance(value, str) else value for name, value in found.items()}
