"""Two attempts, side by side."""

from typing import Any

from django.db.models import BinaryField
from django.db.models.functions import Substr
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from receiver.models import Event

from .. import differ, inert
from ..timeline import attempts
from .frame import allowed, page, whole


@allowed("receiver.view_event")
@require_safe
def task_diff(request: HttpRequest) -> HttpResponse:
    """Show what differs between the events `?a=` and `?b=`, of one task or of two."""
    a, b = (_event(whole(request.GET.get(side))) for side in "ab")
    context: dict[str, Any] = {
        "title": "Compare attempts",
        "a": a,
        "b": b,
        "attempts": _choices(a, b),
        "facts": differ.facts(a, b),
        "headers": differ.headers(a, b),
    }
    if request.user.has_perm("receiver.view_body"):
        context["bodies"] = differ.bodies(bytes(a.begin or b""), bytes(b.begin or b""))
        context["cut"] = max(a.body_size, b.body_size) > inert.RAW_BYTES
    return page(request, "task_diff.html", context)


def _event(pk: int | None) -> Any:
    if pk is None:
        raise Http404("Say which two events: ?a=1&b=2.")
    begin = Substr("body", 1, inert.RAW_BYTES + 1, output_field=BinaryField())
    return get_object_or_404(Event.objects.defer("body").annotate(begin=begin), pk=pk)


def _choices(a: Event, b: Event) -> list[Event]:
    """Return the events to choose from: those of a's task, and b."""
    found = attempts(a.queue, a.task) if a.task else []
    return [*found, *(event for event in (a, b) if event not in found)]
