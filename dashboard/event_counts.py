"""The numbers on the events' tabs and the queues to choose from; none reads a whole table."""

import re

from django.db.models import Count, Q
from django.http import QueryDict

from receiver.models import Event

from . import figures
from .cache import kept_for
from .event_filters import Filters

_QUEUE = re.compile(r"[A-Za-z0-9-]{1,100}")


def on_tabs(filters: Filters) -> dict[str, str]:
    """Return the number on each tab as text, cut at 10,000; none for what is searched for."""
    counts = figures.tab_counts()
    if not filters.anything:
        return counts
    if filters.problem or filters.words or filters.narrowed.scans:
        return {"refusals": counts["refusals"]}
    return {"refusals": counts["refusals"]} | _narrowed(filters.write(show=""))


@kept_for(10)
def _narrowed(choice: str) -> dict[str, str]:
    """Count the newest events of a choice by outcome: "+" where there are more."""
    filters = Filters(QueryDict(choice).dict())
    span = filters.span()
    found = filters.narrowed.events.filter(pk__gt=span.above, pk__lt=span.below)
    newest = found.order_by("-pk")[: figures.CAP + 1]
    failed = Count("pk", filter=Q(outcome=Event.Outcome.FAILED))
    counts = newest.aggregate(all=Count("pk"), failed=failed)
    if counts["all"] <= figures.CAP:
        succeeded = counts["all"] - counts["failed"]
        return {name: f"{n:,}" for name, n in (counts | {"succeeded": succeeded}).items()}
    some = {"failed": counts["failed"], "succeeded": counts["all"] - counts["failed"]}
    return {"all": figures.capped(counts["all"])} | {k: f"{n:,}+" for k, n in some.items() if n}


@kept_for(30)
def queues() -> list[str]:
    """Return the queues that events claim, at most 200 and none that is no id; kept 30 s."""
    return [name for name in Event.objects.queues(200) if _QUEUE.fullmatch(name)]
