"""What was sent from here: the exact request, what Cloud Tasks answered, what became of it."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, models
from django.utils import timezone

from receiver.models import RECIPES

from .. import gateway, names
from ..drafts import Draft
from ..errors import GatewayError, UnknownOutcome
from ..judge import judge

if TYPE_CHECKING:
    from django.contrib.auth.models import User

log = logging.getLogger(__name__)

# The same name answers ALREADY_EXISTS for about an hour after its task has ended, no longer:
# past that, sending again could make a second task.
SAFE_TO_REPEAT = timedelta(minutes=50)
# Our clock and the database's may differ a little.
SKEW = timedelta(minutes=1)


SENT_AS_IS = ("name", "url", "method", "body", "schedule_time", "account", "audience")


class SentTaskQuerySet(models.QuerySet["SentTask"]):
    """Words for the states of sent tasks."""

    def unfinished(self) -> "SentTaskQuerySet":
        """Tasks whose state can still change, and which are worth asking about."""
        return self.filter(ended_at=None).exclude(answer=SentTask.Answer.REFUSED)

    def of_event(self, queue: str, task: str) -> "SentTaskQuerySet":
        """Tasks that an event with these short ids belongs to, newest first."""
        return self.filter(task_id=task, queue__endswith=f"/queues/{queue}")

    def prepare(
        self,
        draft: Draft,
        submission: str,
        *,
        random_name: bool,
        by: "User | None" = None,
        recipe: str = "",
    ) -> tuple["SentTask", bool]:
        """Commit the row that is to be sent: (row, True), or (the earlier row, False).

        `submission` is the one-time key of the form: however often it comes, it is one task.
        """
        values = SentTask.values_of(draft) | {
            "random_name": random_name,
            "created_by": by,
            "recipe": recipe,
        }
        return self.get_or_create(submission=submission, defaults=values)

    def cancel(self, name: str) -> None:
        """Delete the task of this full name in Cloud Tasks, and keep that it was us.

        Raises GatewayError where that was not done, or is not certain.
        """
        gateway.delete_task(name)
        mine = self.unfinished().filter(name=name)
        try:
            mine.update(state=SentTask.State.CANCELLED, ended_at=timezone.now())
        except (OperationalError, InterfaceError) as error:
            log.warning("That %s was cancelled could not be kept: %s", name, error)

    def light(self) -> "SentTaskQuerySet":
        """Rows for a list: everything but the columns that can be large."""
        return self.defer("body", "headers")


class SentTask(models.Model):
    """One task sent from here; the row is committed before Cloud Tasks is called.

    `name` and `queue` are full resource names; `body` is the exact bytes. What GetTask told last
    is remembered, since Cloud Tasks forgets a task as soon as it ends.
    """

    class Answer(models.TextChoices):  # what Cloud Tasks said to CreateTask
        PENDING = "pending", "Being sent"
        CREATED = "created", "Created"
        REFUSED = "refused", "Not created"
        UNKNOWN = "unknown", "Answer lost"

    class State(models.TextChoices):  # what became of the task
        NONE = "", "Not created"
        SCHEDULED = "scheduled"
        WAITING = "waiting"
        RETRYING = "retrying"
        DONE = "done"
        GAVE_UP = "gave up", "Gave up"
        CANCELLED = "cancelled"
        NOT_ARRIVED = "not arrived", "Not arrived"
        UNKNOWN = "unknown"

    submission = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=800, db_index=True)
    task_id = models.CharField(max_length=500, db_index=True)
    random_name = models.BooleanField(default=True)  # made by us, so that nobody else has it
    queue = models.CharField(max_length=300)
    url = models.CharField(max_length=2083)
    method = models.CharField(max_length=10)
    headers = models.JSONField(default=list)  # [[name, value], ...] as typed
    body = models.BinaryField(default=b"")
    body_size = models.IntegerField(default=0)
    schedule_time = models.DateTimeField(null=True, blank=True)
    account = models.CharField(max_length=320, blank=True)
    audience = models.CharField(max_length=2083, blank=True)
    recipe = models.CharField(max_length=40, blank=True)  # how the receiver was told to answer it
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    batch = models.ForeignKey(
        "dashboard.Batch",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="tasks",
        db_index=False,
    )

    answer = models.CharField(max_length=10, choices=Answer.choices, default=Answer.PENDING)
    answer_text = models.TextField(blank=True)
    state = models.CharField(
        max_length=12, choices=State.choices, default=State.UNKNOWN, blank=True
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    # What GetTask said last, at `seen_at`.
    seen_at = models.DateTimeField(null=True, blank=True)
    dispatch_count = models.IntegerField(default=0)
    response_count = models.IntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    first_attempt_at = models.DateTimeField(null=True, blank=True)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    last_attempt_text = models.CharField(max_length=500, blank=True)

    objects = SentTaskQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["state", "id"]),
            models.Index(fields=["queue", "id"]),
            models.Index(fields=["ended_at", "id"]),
            models.Index(fields=["batch", "id"]),
            models.Index(fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return self.task_id

    @staticmethod
    def values_of(draft: Draft) -> dict[str, Any]:
        """Return the columns that say what is sent."""
        queue, task_id = names.split_task(draft.name)
        return {
            **{field: getattr(draft, field) for field in SENT_AS_IS},
            "task_id": task_id,
            "queue": queue,
            "headers": [list(pair) for pair in draft.headers],
            "body_size": len(draft.body),
        }

    @property
    def queue_id(self) -> str:
        return names.short(self.queue)

    @property
    def next_due(self) -> datetime | None:
        """When it is tried next, where that is ahead."""
        due = self.next_attempt_at or self.schedule_time
        return due if due and not self.ended_at and due > timezone.now() else None

    @property
    def draft(self) -> Draft:
        """The task as it was sent, and as it can be sent again."""
        return Draft(
            queue=self.queue,
            headers=[(name, value) for name, value in self.headers],
            **{field: getattr(self, field) for field in SENT_AS_IS} | {"body": bytes(self.body)},
        )

    @property
    def recipe_name(self) -> str:
        """What the recipe is called; nothing where there was none."""
        return RECIPES[self.recipe].name if self.recipe in RECIPES else self.recipe

    def says_the_same(self, draft: Draft, *, random_name: bool, recipe: str = "") -> bool:
        """Whether this draft is what was sent, but for a name that nobody typed."""
        if self.random_name and random_name:
            draft = replace(draft, name=self.name)
        return draft == self.draft and recipe == self.recipe

    @property
    def is_refused(self) -> bool:
        """Whether Cloud Tasks did not take it, so that there never was a task."""
        return self.answer == self.Answer.REFUSED

    @property
    def answer_is_lost(self) -> bool:
        return self.answer in (self.Answer.PENDING, self.Answer.UNKNOWN)

    @property
    def may_repeat(self) -> bool:
        """Whether sending again under the same name cannot make a second task."""
        at_rest = self.answer == self.Answer.UNKNOWN or not self.is_being_sent
        return self.answer_is_lost and at_rest and self.is_young

    @property
    def is_young(self) -> bool:
        """Whether its name cannot be free again yet."""
        return timezone.now() - self.created_at < SAFE_TO_REPEAT

    @property
    def is_being_sent(self) -> bool:
        """Whether the process that made the row can still be waiting for Cloud Tasks."""
        age = timezone.now() - self.created_at
        pending = self.answer == self.Answer.PENDING
        return pending and age <= timedelta(seconds=gateway.ALL_SECONDS)

    def send(self, *, again: bool = False) -> None:
        """Create the task in Cloud Tasks and keep the answer; raises GatewayError as it came."""
        try:
            gateway.create_task(self.draft, random_name=self.random_name, maybe_sent=again)
        except UnknownOutcome as error:
            self._answered(self.Answer.UNKNOWN, str(error))
            raise
        except GatewayError as error:
            self._answered(self.Answer.UNKNOWN if again else self.Answer.REFUSED, str(error))
            raise
        self._answered(self.Answer.CREATED, "")

    def _answered(self, answer: "SentTask.Answer", text: str) -> None:
        self.answer, self.answer_text = answer, text
        judge(self, exists=True if answer == self.Answer.CREATED else None, events=[])
        try:
            self.save(update_fields=["answer", "answer_text", "state", "ended_at"])
        except (OperationalError, InterfaceError) as error:
            # The task has its name all the same: the next look at the row asks for it.
            log.warning("The answer about %s could not be kept: %s", self.name, error)
