"""What the receiver was told to answer instead of its usual 200: one Reply a rule."""

import re
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import connection, models
from django.db.models import F, Q

from .. import answer_rules
from ..driver import first
from ..recipes import RECIPES

MOST_DELAY = 60
MOST_TIMES = 1_000_000
_ANY = "* stands for any text; without one it must be exactly this. Empty: every {}."
_TASK_QUEUE = re.compile(r"[A-Za-z0-9_*-]*")


class ReplyQuerySet(models.QuerySet["Reply"]):
    """Words for the states of rules."""

    def active(self, now: datetime) -> "ReplyQuerySet":
        """Rules that may answer now, the first to be asked first."""
        living = Q(until=None) | Q(until__gt=now)
        hits = Q(times=None) | Q(hits__lt=F("times"))
        return self.filter(living, hits, enabled=True).order_by("order", "id")


class ReplyManager(models.Manager.from_queryset(ReplyQuerySet)):  # type: ignore[misc]
    """Makes rules from recipes, and tells cheaply whether there are any to ask."""

    # `active` as the database hears it: asked for each batch of deliveries, mostly for nothing,
    # and the ORM takes 30 times as long to say it.
    ANY_ACTIVE = (
        "SELECT 1 FROM receiver_reply WHERE enabled AND (times IS NULL OR hits < times)"
        " AND (until IS NULL OR until > %s) LIMIT 1"
    )

    def any_active(self, now: datetime) -> bool:
        """Tell whether any rule may answer now."""
        return first(self.ANY_ACTIVE, [connection.ops.adapt_datetimefield_value(now)]) is not None

    def from_recipe(self, key: str, **match: Any) -> "Reply":
        """Return an unsaved rule of a recipe for what `match` names; raises KeyError."""
        return Reply(**({"name": RECIPES[key].name} | RECIPES[key].fields | match))


class Reply(models.Model):
    """A rule that makes the receiver answer otherwise, to see what the sender makes of it.

    The request is stored as ever, marked with the rule that answered it.
    """

    name = models.CharField(max_length=100, help_text="Shown beside the events it answered.")
    enabled = models.BooleanField(default=True)
    order = models.PositiveSmallIntegerField(
        default=100,
        validators=[MaxValueValidator(10_000)],
        help_text="Of several that match, the lowest answers; the older one where two are equal.",
    )
    queue = models.CharField(
        max_length=100, blank=True, help_text="Short id. " + _ANY.format("queue")
    )
    path = models.CharField(
        max_length=2083,
        blank=True,
        help_text="As sent, without the query, as /receive/orders. " + _ANY.format("path"),
    )
    task = models.CharField(
        max_length=500, blank=True, help_text="Short id. " + _ANY.format("task")
    )
    header_name = models.CharField(
        "header",
        max_length=100,
        blank=True,
        help_text="Name of a header that the request must have, in any case.",
    )
    header_value = models.CharField(
        max_length=500, blank=True, help_text="The header's value. " + _ANY.format("value")
    )
    status = models.PositiveSmallIntegerField(
        default=500,
        validators=[MinValueValidator(200), MaxValueValidator(599)],
        help_text="200 to 599. 2xx ends the task, anything else is tried again; 429 and 503 slow "
        "down the whole queue.",
    )
    headers = models.TextField(
        blank=True,
        validators=[MaxLengthValidator(answer_rules.HEADER_CHARACTERS)],
        help_text="One a line, as Retry-After: 5.",
    )
    body = models.TextField(
        blank=True,
        validators=[MaxLengthValidator(answer_rules.BODY_CHARACTERS)],
        help_text="Text, sent as UTF-8.",
    )
    delay = models.FloatField(
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(MOST_DELAY)],
        help_text=f"Seconds to wait before the answer, at most {MOST_DELAY}.",
    )
    drop = models.BooleanField(
        "drop the connection",
        default=False,
        help_text="Close the connection instead of an answer; status, headers and body are moot.",
    )
    times = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_TIMES)],
        help_text="Answer so many requests, then no more. Empty: no limit.",
    )
    until = models.DateTimeField(
        null=True, blank=True, help_text="Answer no later than this (UTC). Empty: no end."
    )
    percent = models.PositiveSmallIntegerField(
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Answer this share of the requests that match, by chance.",
    )
    hits = models.PositiveIntegerField(default=0, editable=False)
    last_hit_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ReplyManager()

    class Meta:
        verbose_name_plural = "replies"
        ordering = ["order", "id"]
        indexes = [
            models.Index(fields=["order", "id"], condition=Q(enabled=True), name="reply_enabled")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__range=(200, 599)), name="reply_status_is_final"
            ),
            models.CheckConstraint(
                condition=Q(delay__range=(0, MOST_DELAY)), name="reply_delay_is_bounded"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what could not be matched, or not be sent; raises ValidationError."""
        faults = answer_rules.faults(self.headers, self.body, self.status)
        faults |= answer_rules.match_faults(self.path, self.header_name, self.header_value)
        for field in ("queue", "task"):
            if not _TASK_QUEUE.fullmatch(getattr(self, field)):
                faults[field] = "Letters, digits, hyphens, underscores, and * for any text."
        if not self.name.isprintable():
            faults["name"] = "A name has only characters that can be seen."
        if self.delay != self.delay:  # not a number: it is neither too little nor too much
            faults["delay"] = "A number of seconds."
        if faults:
            raise ValidationError(faults)

    @property
    def left(self) -> int | None:
        """How many more requests it may answer; None without a limit."""
        return None if self.times is None else max(self.times - self.hits, 0)

    @property
    def meant_for(self) -> str:
        """Which requests it answers, in words."""
        header = f"{self.header_name}: {self.header_value or '*'}" if self.header_name else ""
        pairs = {"queue": self.queue, "path": self.path, "task": self.task, "header": header}
        return ", ".join(f"{name} {value}" for name, value in pairs.items() if value) or "all"

    @property
    def answer(self) -> str:
        """What it answers, in words."""
        what = "connection dropped" if self.drop else str(self.status)
        after = f" after {self.delay:g} s" if self.delay else ""
        share = f", {self.percent}%" if self.percent < 100 else ""
        return what + after + share

    @property
    def answered(self) -> int:
        """The status that its events show: 0 where the connection is dropped."""
        return 0 if self.drop else self.status

    def state(self, now: datetime) -> str:
        """Return on, off, used up (no hits left) or over (past its time)."""
        if not self.enabled:
            return "off"
        if self.left == 0:
            return "used up"
        return "over" if self.until and self.until <= now else "on"
