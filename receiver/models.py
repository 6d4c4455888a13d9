"""What the receiver keeps: one Event a request it took, one Refusal a minute and reason."""

from typing import Any

from django.db import models
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

    def light(self) -> "EventQuerySet":
        """Rows for a list: everything but the columns that can be large."""
        return self.defer("body", "headers", "search_text")


class Event(models.Model):
    """One request that the receiver took, never merged and never edited.

    `queue` and `task` are the short ids that the headers claim; `body` is the exact bytes.
    Text columns are escaped (control, bidi and surrogate characters as `\\xNN`, `\\uNNNN`) and cut.
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
    search_text = models.TextField(blank=True)
    caller_account = models.CharField(max_length=320, blank=True)
    caller_audience = models.CharField(max_length=2083, blank=True)
    caller_check = models.CharField(max_length=10, choices=Check.choices, default=Check.NONE)
    status = models.IntegerField(default=200)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.SUCCEEDED)
    trace = models.CharField(max_length=100, blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["queue", "id"]),
            models.Index(fields=["outcome", "id"]),
        ]
        permissions = [("view_body", "Can view the bodies of events")]

    def __str__(self) -> str:
        return self.task or f"event {self.pk}"

    @property
    def attempt(self) -> int | None:
        """Which try of the task this was, from 1; None where no retry count was claimed."""
        return None if self.retry_count is None else self.retry_count + 1

    @property
    def lateness(self) -> float | None:
        """Seconds between the claimed ETA and the arrival; None without an ETA."""
        return (self.received_at - self.eta).total_seconds() if self.eta else None


class RefusalManager(models.Manager["Refusal"]):
    """Counts refusals; strangers must not be able to fill the disk with them."""

    KEPT = 2000

    def count_one(self, reason: str, *, queue: str, task: str, account: str, audience: str) -> bool:
        """Count one refusal in this minute's row; returns whether it made the row.

        The claims are the last ones. A new row pushes out all but the newest 2,000.
        """
        row: dict[str, Any] = {
            "reason": reason,
            "minute": timezone.now().replace(second=0, microsecond=0),
        }
        counted = {
            "count": models.F("count") + 1,
            "queue": queue[:100],
            "task": task[:500],
            "account": account[:320],
            "audience": audience[:500],
        }
        if self.filter(**row).update(**counted):
            return False
        created = self.get_or_create(**row)[1]
        self.filter(**row).update(**counted)
        if created:
            self._prune()
        return created

    def _prune(self) -> None:
        newest = self.order_by("-id").values_list("id", flat=True)
        for last in newest[self.KEPT : self.KEPT + 1]:
            self.filter(id__lte=last).delete()


class Refusal(models.Model):
    """How often one reason turned requests away in one minute, and what the last one claimed."""

    class Reason(models.TextChoices):
        MISSING = "missing", "No token"
        MALFORMED = "malformed", "Not a bearer token of the right form"
        SIGNATURE_REMOVED = "signature-removed", "Signature removed by Cloud Run"
        KEY = "key", "Signed with an unknown key or another algorithm"
        SIGNATURE = "signature", "Signature does not match"
        EXPIRED = "expired", "Expired, or not valid yet"
        ISSUER = "issuer", "Token of another issuer"
        AUDIENCE = "audience", "Token for another audience"
        ACCOUNT = "account", "Token of another account"
        KEYS_UNREACHABLE = "keys-unreachable", "Certificates could not be fetched"
        TOO_LARGE = "too-large", "Body over the limit"
        TRUNCATED = "truncated", "Body shorter than announced"
        LENGTH_REQUIRED = "length-required", "Body of unknown length"

    reason = models.CharField(max_length=20, choices=Reason.choices)
    minute = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)
    queue = models.CharField(max_length=100, blank=True)
    task = models.CharField(max_length=500, blank=True)
    account = models.CharField(max_length=320, blank=True)
    audience = models.CharField(max_length=500, blank=True)

    objects = RefusalManager()

    class Meta:
        ordering = ["-minute", "reason"]
        constraints = [
            models.UniqueConstraint(fields=["reason", "minute"], name="refusal_reason_minute")
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}: {self.count}"
