"""What the reader chose on the tasks' list, from the query string and back into it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from . import names
from .cache import kept_for
from .models import SentTask, SentTaskQuerySet
from .views.frame import plain, whole

NOT_CREATED = "not created"
STATES = (
    *("scheduled", "waiting", "retrying", "done", "gave up", "not arrived"),
    *("cancelled", "unknown", NOT_CREATED),
)
PERIODS = {
    "15m": ("15 minutes", timedelta(minutes=15)),
    "1h": ("hour", timedelta(hours=1)),
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
}
COMMANDS = "-"  # in the place of a user: sent by a command
SEARCHED = 100_000  # newest tasks that a text is looked for in
CAP = 10_000
USERS = 200


class Filters:
    """State, queue, text, sender, batch and time; `write` makes the same of a URL."""

    def __init__(self, given: Mapping[str, str]) -> None:
        state, period = given.get("state", ""), given.get("period", "")
        self.state = state if state in STATES else ""
        self.queue = plain(given.get("queue"), 300).strip()
        self.text = plain(given.get("q"), 500).strip()
        self.by = plain(given.get("by"), 150)
        self.batch = whole(given.get("batch"))
        self.period = period if period in PERIODS else ""
        self.since = "" if self.period else plain(given.get("from"), 40).strip()
        self.until = "" if self.period else plain(given.get("to"), 40).strip()
        self.problem = ""
        self._where = self._read()

    def _read(self) -> Q:
        """Return the conditions; a sentence on what could not be read goes to `problem`."""
        where = Q()
        try:
            if self.queue:
                where &= Q(queue=names.queue_name(self.queue))
            if since := self._moment(self.since):
                where &= Q(created_at__gte=since)
            if until := self._moment(self.until):
                where &= Q(created_at__lt=until)
        except ValidationError as error:
            self.problem = error.messages[0]
        if self.period:
            where &= Q(created_at__gte=timezone.now() - PERIODS[self.period][1])
        if self.batch:
            where &= Q(batch=self.batch)
        if self.by == COMMANDS:
            where &= Q(created_by=None)
        elif self.by:
            where &= Q(**{f"created_by__{get_user_model().USERNAME_FIELD}": self.by})
        return where

    def _moment(self, text: str) -> datetime | None:
        if not text:
            return None
        try:
            found = parse_datetime(text)
        except ValueError:
            found = None
        if found is None:
            raise ValidationError(f"{text} is no time. One is 2026-01-31T14:30 (UTC).")
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def rows(self) -> SentTaskQuerySet:
        """Return the tasks that match, without the columns that can be large."""
        found = SentTask.objects.light().select_related("created_by").filter(self._where)
        if self.problem:
            return found.none()
        if self.state == NOT_CREATED:
            found = found.filter(state="", answer=SentTask.Answer.REFUSED)
        elif self.state:
            found = found.filter(state=self.state)
        return self._having_text(found) if self.text else found

    def _having_text(self, found: SentTaskQuerySet) -> SentTaskQuerySet:
        last = SentTask.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        contains = Q(name__icontains=self.text) | Q(url__icontains=self.text)
        return found.filter(contains, pk__gt=last - SEARCHED)

    @property
    def narrowed(self) -> bool:
        """Whether anything but a state was chosen."""
        chosen = (self.queue, self.text, self.by, self.batch)
        return any((*chosen, self.period, self.since, self.until))

    def write(self, **more: Any) -> str:
        """Return the query string, with some values in the place of others."""
        chosen: dict[str, Any] = {"state": self.state, "queue": self.queue, "q": self.text}
        chosen |= {"by": self.by, "batch": self.batch}
        chosen |= {"period": self.period, "from": self.since, "to": self.until}
        return urlencode({name: value for name, value in (chosen | more).items() if value})

    def in_words(self) -> list[str]:
        """Return what was chosen, a line each."""
        told = {
            "State": self.state.capitalize(),
            "Queue": self.queue,
            "Text in name or URL": self.text,
            "Sent by": "a command" if self.by == COMMANDS else self.by,
            "Batch": str(self.batch or ""),
            "Sent in the last": PERIODS[self.period][0] if self.period else "",
            "Sent from": f"{self.since} UTC" if self.since else "",
            "Sent until": f"{self.until} UTC" if self.until else "",
        }
        return [f"{label}: {value}" for label, value in told.items() if value]


@kept_for(5)
def counts() -> dict[str, str]:
    """Return how many tasks are in each state, each counted up to CAP; kept 5 s."""
    rows = SentTask.objects.order_by()
    found = {state: rows.filter(state=state) for state in STATES if state != NOT_CREATED}
    found[NOT_CREATED] = rows.filter(state="")
    return {state: _capped(query.values("pk")[: CAP + 1].count()) for state, query in found.items()}


def _capped(count: int) -> str:
    return f"{CAP:,}+" if count > CAP else f"{count:,}" if count else ""


def senders() -> list[str]:
    """Return the accounts to choose from."""
    users = get_user_model()._default_manager.filter(is_staff=True)
    field = get_user_model().USERNAME_FIELD
    return list(users.order_by(field).values_list(field, flat=True)[:USERS])
