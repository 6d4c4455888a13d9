"""Events counted ahead, by minute, hour and three hours, so that no page has to read them all."""

from typing import Any

from django.db import models
from django.utils.functional import cached_property

from receiver.models import Event


class Tally(models.Model):
    """How many events of one queue and outcome were received in one span of time.

    `seconds` is its length, one of SPANS, `begins_at` its beginning (UTC). `took` has how many
    were handled in which time, by the buckets of `handler_time`; without a time one is in none.
    """

    SPANS = (60, 3600, 10_800)

    seconds = models.PositiveSmallIntegerField()
    begins_at = models.DateTimeField()
    queue = models.CharField(max_length=100, blank=True)
    outcome = models.CharField(max_length=10, choices=Event.Outcome.choices)
    count = models.PositiveIntegerField(default=0)
    took = models.JSONField(default=dict)  # {"bucket": events}

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["seconds", "begins_at", "queue", "outcome"], name="tally_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.outcome} from {self.begins_at}"

    def add(self, bucket: int | None, count: int) -> None:
        """Count events that were handled in the time of this bucket; None where it is unknown."""
        self.count += count
        if bucket is not None:
            key = str(bucket)  # as JSON has it
            self.took[key] = self.took.get(key, 0) + count


class TallyMark(models.Model):
    """Which events the tallies count: one row, its `version` told apart by who changes it.

    They are the ids above `down` up to `up`, but for those in `gaps` ([[first, last], ...]): with
    several writers an id may be committed after a higher one. `since` is when the oldest event
    that is still there was received; retention moves it.
    """

    up = models.BigIntegerField(default=0)
    down = models.BigIntegerField(default=0)
    gaps = models.JSONField(default=list)
    since = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"ids over {self.down} up to {self.up}"

    @classmethod
    def now(cls) -> "TallyMark":
        """Return it as it is; a new one, not saved, where nothing was counted yet."""
        return cls.objects.first() or cls()

    @cached_property
    def newest(self) -> int:
        """The newest event's id when this was asked first."""
        return Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    @property
    def counted(self) -> models.Q:
        """The events that are in the tallies."""
        return models.Q(pk__gt=self.down, pk__lte=self.up) & ~self.late

    @property
    def newer(self) -> models.Q:
        """The events that are not, and are not old either: new ones and those that came late."""
        return models.Q(pk__gt=self.up) | self.late

    @property
    def late(self) -> models.Q:
        """The events that were not there yet when higher ids were counted."""
        return in_ranges(self.gaps)


def in_ranges(ranges: list[Any]) -> models.Q:
    """Return what finds the ids in these ranges, [[first, last], ...]; none where there is none."""
    found = models.Q(pk__in=[])
    for first, last in ranges:
        found |= models.Q(pk__range=(first, last))
    return found
