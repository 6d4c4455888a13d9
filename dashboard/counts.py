"""How many there are, for tabs and tiles: never by reading a large table. Each is kept 5 s.

Events by outcome and queue come from the tallies and are exact; while those are being made, and
for tasks, counting stops at CAP and the text then ends in a plus.
"""

from typing import Any

from django.db.models import QuerySet, Sum

from receiver.models import Event

from . import rollup
from .cache import kept_for
from .models import SentTask, Tally, TallyMark

CAP = 10_000


@kept_for(5)
def events_by_outcome(queue: str = "") -> dict[str, str]:
    """Return as text how many events there are, of one queue or of all: all, succeeded, failed."""
    return rollup.read(lambda mark: _by_outcome(mark, queue))


@kept_for(5)
def events_by_queue() -> dict[str, int]:
    """Return how many events each queue has, the largest first; those that are counted so far."""
    found = rollup.read(lambda mark: _tallied(mark, "queue"))
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


@kept_for(5)
def tasks_by_state(*states: str) -> dict[str, str]:
    """Return as text how many tasks sent from here are in these states; "all" is in any."""
    tasks = SentTask.objects.order_by()
    found = {state: tasks if state == "all" else tasks.filter(state=state) for state in states}
    return {state: capped(rows) for state, rows in found.items()}


def capped(rows: QuerySet[Any]) -> str:
    """Count rows of any filter no further than the cap; it has to have an index."""
    return text(rows.values("pk")[: CAP + 1].count(), cap=CAP)


def text(count: int, cap: int | None = None) -> str:
    """Return a count as text, cut at a cap where there is one.

    >>> text(10001), text(10001, cap=10000)
    ('10,001', '10,000+')
    """
    return f"{cap:,}+" if cap is not None and count > cap else f"{count:,}"


def _by_outcome(mark: TallyMark, queue: str) -> dict[str, str]:
    events = Event.objects.order_by()
    if queue:
        events = events.filter(queue=queue)
    if rollup.to_go(mark):
        each = {name: capped(events.filter(outcome=name)) for name in Event.Outcome.values}
        return {"all": capped(events), **each}
    found = _tallied(mark, "outcome", queue)
    each = {name: text(found.get(name, 0)) for name in Event.Outcome.values}
    return {"all": text(sum(found.values())), **each}


def _tallied(mark: TallyMark, by: str, queue: str = "") -> dict[str, int]:
    """Add up the tallies and what is newer, by queue or outcome."""
    tallies = Tally.objects.filter(seconds=Tally.SPANS[-1]).order_by()
    if queue:
        tallies = tallies.filter(queue=queue)
    found = dict(tallies.values_list(by).annotate(total=Sum("count")))
    for row in rollup.live(mark):
        if queue in ("", row.queue):
            key = getattr(row, by)
            found[key] = found.get(key, 0) + row.events
    return found
