"""The rows of a batch, lean: what a row's task was is in its SentTask."""

import secrets
from datetime import timedelta

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from .batch import Batch

# A row is taken for so long by whoever sends it. Longer than its call may take; when it is over
# the row is asked about again under the same name, so that no task is made twice.
LEASE = timedelta(seconds=5)
INSERTED = 500  # rows a transaction: deliveries must get their turn between


class BatchRowQuerySet(models.QuerySet["BatchRow"]):
    """Words for the states of rows, and the ways from one to the next."""

    def open(self) -> "BatchRowQuerySet":
        """Rows that are not dealt with yet."""
        state = BatchRow.State
        return self.filter(state__in=(state.LEFT, state.LOST, state.TAKEN))

    def in_error(self) -> "BatchRowQuerySet":
        """Rows with something to say about what went wrong, by number."""
        state = BatchRow.State
        errors = (state.WRONG, state.FAILED, state.UNCLEAR)
        return self.filter(state__in=errors).order_by("number")

    def add(self, rows: list["BatchRow"]) -> None:
        """Store new rows."""
        for start in range(0, len(rows), INSERTED):
            with transaction.atomic():
                self.bulk_create(rows[start : start + INSERTED])

    def take(self, batch: Batch, most: int, *, again: bool) -> list["BatchRow"]:
        """Claim rows by compare-and-set, for the length of a lease.

        With `again` those come first whose answer was lost or whose sender has died.
        """
        state, now, token = BatchRow.State, timezone.now(), secrets.token_hex(8)
        of = self.filter(batch=batch)
        expired = Q(state=state.TAKEN, taken_until__lt=now)
        free = Q(state__in=(state.LEFT, state.LOST)) | expired
        found: list[int] = []
        for query in (expired, Q(state=state.LOST), Q(state=state.LEFT))[0 if again else 2 :]:
            rows = of.filter(query).order_by("number").values_list("pk", flat=True)
            found += rows[: most - len(found)]
        if not found or not Batch.objects.filter(pk=batch.pk, state=Batch.State.SENDING).exists():
            return []
        # By the row's own columns alone: where PostgreSQL has waited for a row, it looks at those
        # again, but a join would be answered from before, and the row be sent and counted twice.
        mine = self.filter(free, pk__in=found)
        mine.update(state=state.TAKEN, claim=token, taken_until=now + LEASE)
        return list(of.filter(claim=token).order_by("number"))


class BatchRow(models.Model):
    """One row: `values` is a CSV row's fields as JSON, or a JSONL line, until it is sent.

    `faults` are [column, sentence] pairs. A row whose answer was lost is asked about again under
    the same name; one for which that would no longer be safe is unclear.
    """

    class State(models.TextChoices):  # those that are counted have the count's name
        LEFT = "left"
        TAKEN = "taken"
        LOST = "lost"
        SENT = "sent"
        WRONG = "wrong"
        FAILED = "failed"
        UNCLEAR = "unclear"
        CANCELLED = "cancelled"

    COUNTED = (State.SENT, State.WRONG, State.FAILED, State.UNCLEAR, State.CANCELLED)

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="rows", db_index=False)
    number = models.IntegerField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.LEFT)
    values = models.TextField(blank=True)
    faults = models.JSONField(null=True, blank=True)
    claim = models.CharField(max_length=16, blank=True)
    taken_until = models.DateTimeField(null=True, blank=True)

    objects = BatchRowQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="batch_row_number")]
        indexes = [models.Index(fields=["batch", "state", "number"], name="batch_row_state")]

    def __str__(self) -> str:
        return f"Row {self.number}"
