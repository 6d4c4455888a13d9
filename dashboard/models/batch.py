"""Many tasks sent as one job: what all its rows share, where it stands, and how it goes on."""

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from .. import names

# Nothing has been sent of a batch that was only checked; it is deleted after this time.
KEPT_UNSENT = timedelta(days=7)
READING = timedelta(minutes=1)  # longer than any upload takes to be read
IDLE = timedelta(seconds=10)  # without a slice for so long, nobody is sending


class BatchQuerySet(models.QuerySet["Batch"]):
    """Words for the states of batches."""

    def stale(self) -> "BatchQuerySet":
        """Batches of which nothing was ever sent, and which nobody came back to."""
        before = timezone.now() - KEPT_UNSENT
        return self.filter(state__in=Batch.UNSENT, created_at__lt=before)

    def light(self) -> "BatchQuerySet":
        """Rows for a list: everything but what can be large."""
        return self.defer("fields", "columns")


class Batch(models.Model):
    """A batch; its rows are `BatchRow`s, what was sent of it `SentTask`s.

    `fields` is the form as it was typed, placeholders and all; `every` the seconds between the
    schedule_times of two rows, 0 for none. The counts are written in the transaction that changes
    the rows.
    """

    class State(models.TextChoices):
        READING = "reading", "Being read"
        READY = "ready", "Checked, not sent"
        SENDING = "sending"
        STOPPED = "stopped"
        FINISHED = "finished"

    class Source(models.TextChoices):
        COPIES = "copies"
        CSV = "csv", "CSV"
        JSONL = "jsonl", "JSONL"

    UNSENT = (State.READING, State.READY)

    submission = models.CharField(max_length=64, unique=True)  # the form's one-time key
    digest = models.CharField(max_length=64)  # of what the form said
    salt = models.CharField(max_length=64, default=secrets.token_hex)
    source = models.CharField(max_length=6, choices=Source.choices)
    fields = models.JSONField(default=dict)
    columns = models.JSONField(default=list)  # of a CSV
    zone = models.CharField(max_length=60, blank=True)
    queue = models.CharField(max_length=300)
    every = models.FloatField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.READING)
    stopped_by = models.TextField(blank=True)  # what made it stop by itself

    total = models.IntegerField(default=0)
    wrong = models.IntegerField(default=0)  # never sent: the dry run found fault with them
    sent = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    unclear = models.IntegerField(default=0)
    cancelled = models.IntegerField(default=0)

    sliced_at = models.DateTimeField(null=True, blank=True)  # the end of the last slice
    rate = models.FloatField(default=0)  # rows a second in it, whoever sent them

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view", "add", "delete")
        verbose_name_plural = "batches"

    def __str__(self) -> str:
        return f"Batch {self.pk}"

    def key(self, number: int) -> str:
        """Return a row's own key: its task's id, known to nobody before it is sent.

        It is hashed because Cloud Tasks is slow with names that follow one another.
        """
        return hashlib.sha256(f"{self.salt}:{number}".encode()).hexdigest()[:32]

    def submission_of(self, number: int) -> str:
        """Return the `submission` of a row's SentTask."""
        return f"batch-{self.key(number)}"

    def uuid(self, number: int) -> str:
        """Return the row's uuid, the same whenever it is asked for."""
        digest = hashlib.sha256(f"{self.salt}:uuid:{number}".encode()).digest()
        return str(uuid.UUID(bytes=digest[:16], version=4))

    @property
    def done(self) -> int:
        return self.wrong + self.sent + self.failed + self.unclear + self.cancelled

    @property
    def in_error(self) -> int:
        return self.wrong + self.failed + self.unclear

    @property
    def queue_id(self) -> str:
        return names.short(self.queue)

    @property
    def left(self) -> int:
        return self.total - self.done

    @property
    def good(self) -> int:
        return self.total - self.wrong

    @property
    def tried(self) -> int:
        """How many of those to send have been dealt with."""
        return self.done - self.wrong

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at the pace of the last slice; None where that is not known."""
        return self.left / self.rate if self.rate and self.left else None

    @property
    def is_idle(self) -> bool:
        """Whether it is to be sent and nobody sends it."""
        last = self.sliced_at or self.started_at
        return self.state == self.State.SENDING and (last is None or timezone.now() - last > IDLE)

    @property
    def not_all(self) -> bool:
        """Whether rows that were to be sent were not, or perhaps not."""
        return bool(self.failed or self.unclear)

    @property
    def shown_state(self) -> str:
        """Its state as a person is told it."""
        if self.is_idle:
            return "idle"
        if self.state == self.State.FINISHED and self.not_all:
            return "finished, not all"
        return str(self.state)

    @property
    def may_be_deleted(self) -> bool:
        being_read = timezone.now() - self.created_at < READING
        return self.state != self.State.SENDING and not (
            self.state == self.State.READING and being_read
        )

    def move(self, before: tuple[str, ...], after: str, **more: object) -> bool:
        """Change the state, if it is still one of `before`; says whether it was."""
        rows = Batch.objects.filter(pk=self.pk, state__in=before)
        moved = bool(rows.update(state=after, **more))
        self.refresh_from_db()
        return moved

    def start(self) -> bool:
        """Let a batch that was only checked be sent; False where that has been done before."""
        moved = self.move((self.State.READY,), self.State.SENDING, started_at=timezone.now())
        return moved and not self.settle()

    def stop(self, why: str = "") -> bool:
        """Let nobody take another row."""
        return self.move((self.State.SENDING,), self.State.STOPPED, stopped_by=why)

    def resume(self) -> bool:
        """Go on with what is left."""
        moved = self.move((self.State.STOPPED,), self.State.SENDING, stopped_by="")
        return moved and not self.settle()

    def retry(self, before: str) -> int:
        """Put the rows that `failed`, or are `unclear`, back among those left; return how many.

        An unclear row is asked for under its own name again, which may by now make a second task.
        """
        with transaction.atomic():
            rows = self.rows.filter(state=before)
            numbers = list(rows.values_list("number", flat=True)) if before == "unclear" else []
            count = rows.update(state="left", faults=None, claim="")
            keys = [self.submission_of(number) for number in numbers]
            self.tasks.filter(submission__in=keys).update(created_at=timezone.now(), ended_at=None)
            any_of = (self.State.FINISHED, self.State.STOPPED, self.State.SENDING)
            if count:
                less = {before: models.F(before) - count}
                self.move(any_of, self.State.SENDING, finished_at=None, stopped_by="", **less)
        return count

    def cancel(self) -> int:
        """Give up the rows that nobody has tried to send; return how many."""
        with transaction.atomic():
            count = self.rows.filter(state="left").update(state="cancelled", values="")
            more = models.F("cancelled") + count
            Batch.objects.filter(pk=self.pk).update(cancelled=more)
        self.settle()
        return count

    def settle(self) -> bool:
        """Finish the batch if no row is left; says whether it is finished."""
        if not self.rows.open().exists():
            ends = {"finished_at": timezone.now()}
            before = (self.State.SENDING, self.State.STOPPED)
            self.move(before, self.State.FINISHED, **ends)
        return self.state == self.State.FINISHED

    def row_time(self, number: int, first: datetime | None) -> datetime | None:
        """Return a row's schedule_time: `first`, or when it was begun, and spread from there."""
        if not self.every:
            return first
        first = first or self.started_at or timezone.now()
        return first + timedelta(seconds=self.every * (number - 1))
