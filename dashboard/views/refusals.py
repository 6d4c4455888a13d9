"""Requests that were turned away: counted by reason and minute, with what mends it."""

from typing import Any
from urllib.parse import urlencode

from receiver.models import Refusal

from .. import figures


def refusals(before: int | None, size: int) -> dict[str, Any]:
    """Return what the refusals' tab shows: a page of them, and the last day's by reason."""
    found = Refusal.objects.order_by("-pk")
    rows = list((found.filter(pk__lt=before) if before else found)[: size + 1])
    more = len(rows) > size
    older = urlencode({"show": "refusals", "before": rows[size - 1].pk}) if more else ""
    return {
        "rows": rows[:size],
        "older": older,
        "first": not before,
        "newest": "show=refusals",
        "reasons": figures.refusal_reasons(),
    }
