"""What the reader chose on the events' page, from the query string and back into it."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from urllib.parse import unquote_plus, urlencode

from django.http import HttpRequest, QueryDict
from django.utils import timezone

from receiver.models import Span, Words

from . import inert, narrow
from .query import Query, Term, Unreadable, moment, parse
from .views.frame import plain

TABS = ("all", "succeeded", "failed", "refusals")
PERIODS = {
    "15m": "15 minutes",
    "1h": "hour",
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
}
MOST_TYPED = 2000  # characters
NO_WORDS = (
    "Words are looked for in bodies, and your account lacks the permission receiver.view_body."
    " Search by fields instead: queue:, task:, status: and the others below."
)


class Filters:
    """The tab, the queue, the task, the time and the search; `write` makes the same of a URL.

    Without `bodies` the reader may not see them: words to be found there are a problem, since
    whether they are found would tell what is in there.
    """

    def __init__(self, given: Mapping[str, str], *, bodies: bool) -> None:
        self.bodies = bodies
        show = given.get("show", "all")
        self.show = show if show in TABS else "all"
        self.queue = plain(given.get("queue"), 100).strip()
        self.task = plain(given.get("task"), 500).strip()
        self.typed = plain(given.get("q"), MOST_TYPED).strip()
        period = given.get("period", "")
        self.period = period if period in PERIODS else ""
        self.since = "" if self.period else plain(given.get("from"), 40).strip()
        self.until = "" if self.period else plain(given.get("to"), 40).strip()

    @classmethod
    def of(cls, request: HttpRequest, query: str | None = None) -> "Filters":
        """Read what a request's query string chose, or another `query`, as its user may see it."""
        given = request.GET if query is None else QueryDict(query)
        return cls(given.dict(), bodies=request.user.has_perm("receiver.view_body"))

    @cached_property
    def query(self) -> Query:
        """Everything chosen as one query, as of now."""
        now = timezone.now()
        typed = parse(self.typed, now)
        chosen = {"queue": self.queue, "task": self.task}
        if self.show in ("succeeded", "failed"):
            chosen["outcome"] = self.show
        terms = [Term(name, value, chosen=True) for name, value in chosen.items() if value]
        problem = typed.problem
        if not self.bodies and any(one.name == "text" for one in typed.terms):
            problem = problem or NO_WORDS
        try:
            terms += self._times(now)
        except Unreadable as unreadable:
            problem = problem or str(unreadable)
        return Query((*typed.terms, *terms), problem)

    def _times(self, now: datetime) -> list[Term]:
        times = {"after": self.period or self.since, "before": self.until}
        return [
            Term(name, value, moment=moment(value, now)) for name, value in times.items() if value
        ]

    @property
    def problem(self) -> str:
        """A sentence on what could not be read, or nothing."""
        return self.query.problem

    @cached_property
    def words(self) -> Words:
        """What the body must have and must not have."""
        query = self.query
        return Words.of(
            [one.value for one in query.of("text")],
            [one.value for one in query.of("text", negated=True)],
        )

    @cached_property
    def narrowed(self) -> narrow.Narrowed:
        """The events that have the fields."""
        return narrow.narrow(self.query)

    def span(self, above: int = 0, below: int = narrow.LAST_ID, down: bool = True) -> Span:
        """Return which ids to look at."""
        return narrow.span(self.query, above, below, down)

    @property
    def anything(self) -> bool:
        """Whether anything but a tab was chosen."""
        return any((self.queue, self.task, self.typed, self.period, self.since, self.until))

    @property
    def only_a_queue(self) -> bool:
        """Whether nothing but a tab and a queue was chosen."""
        others = (self.task, self.typed, self.period, self.since, self.until)
        return not any(others)

    @property
    def said(self) -> str:
        """The choice as the log and a confirmation say it."""
        return inert.visible(unquote_plus(self.write())) or "all events"

    def in_words(self) -> list[str]:
        """Return what was chosen, a line each."""
        told = {
            "Outcome": self.show.capitalize() if self.show != "all" else "",
            "Queue": self.queue,
            "Task": self.task,
            "Search": self.typed,
            "Received in the last": PERIODS.get(self.period, ""),
            "Received from": f"{self.since} UTC" if self.since else "",
            "Received until": f"{self.until} UTC" if self.until else "",
        }
        return [f"{label}: {inert.visible(value)}" for label, value in told.items() if value]

    def write(self, **more: object) -> str:
        """Return the choice as a query string, changed by `more`; None and "" leave one out."""
        chosen = {
            "show": self.show,
            "queue": self.queue,
            "task": self.task,
            "period": self.period,
            "from": self.since,
            "to": self.until,
            "q": self.typed,
        } | more
        return urlencode({k: v for k, v in chosen.items() if v not in ("", None, "all")})
