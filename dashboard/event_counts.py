"""The numbers on the events' tabs and the queues to choose from; none reads a whole table."""

import re

from django.db.models import Count, Q
from django.http import QueryDict

from receiver.models import Event

from . import counts, figures
from .cache import kept_for
from .event_filters import Filters

_QUEUE = re.compile(r"[A-Za-z0-9-]{1,100}")


def on_tabs(filters: Filters) -> dict[str, str]:
    """Return the number on each tab as text; none for what no index counts."""
    if filters.only_a_queue:
        return figures.tab_counts(filters.queue)
    refusals = figures.refusals_count()
    if filters.problem or filters.words or filters.narrowed.scans:
        return refusals
    return _narrowed(filters.write(show="")) | refusals


@kept_for(10)
def _narrowed(choice: str) -> dict[str, str]:
    """Count the newest events of a choice by outcome: "+" where there are more."""
    filters = Filters(QueryDict(choice).dict(), bodies=False)  # words are not counted
    span = filters.span()
    found = filters.narrowed.events.filter(pk__gt=span.above, pk__lt=span.below)
    newest = found.order_by("-pk")[: counts.CAP + 1]
    failed = Count("pk", filter=Q(outcome=Event.Outcome.FAILED))
    found_counts = newest.aggregate(all=Count("pk"), failed=failed)
    every = found_counts["all"]
    by_outcome = {"failed": found_counts["failed"], "succeeded": every - found_counts["failed"]}
    if every <= counts.CAP:
        return {name: counts.text(n) for name, n in (by_outcome | {"all": every}).items()}
    some = {name: f"{counts.text(n)}+" for name, n in by_outcome.items() if n}
    return some | {"all": counts.text(every, cap=counts.CAP)}


@kept_for(30)
def queues() -> list[str]:
    """Return the queues that events claim, at most 200 and none that is no id; kept 30 s."""
    return [name for name in Event.objects.queues(200) if _QUEUE.fullmatch(name)]
