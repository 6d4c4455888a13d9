"""One event: everything of it, and its body as a file."""

import secrets
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import BinaryField
from django.db.models.functions import Substr
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from receiver.models import Event

from .. import belongs, console, identity, inert, names, resend, snippets
from ..models import SKEW, SentTask
from ..timeline import attempts, of_events
from .frame import allowed, page


@allowed("receiver.view_event")
@require_safe
def event(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one event: body, headers, caller, and the attempts of the same task."""
    # Of a large body no more is read than is shown.
    begin = Substr("body", 1, inert.PRETTY_BYTES + 1, output_field=BinaryField())
    rows = Event.objects.defer("body").annotate(begin=begin).select_related("reply")
    found: Any = get_object_or_404(rows, pk=pk)
    sent = belongs.sender(found)
    arrived = _attempts(found, sent)
    context = {
        "title": inert.visible(str(found)),
        "event": found,
        "attempts": arrived,
        "entries": of_events(arrived),
        "other": _other(found, arrived),
        "sent": sent,
        "ticks": identity.ticks(found),
        "signed_by": identity.signed_by(found),
        "task_url": _task_url(found),
        "trace_url": console.trace_link(found.trace),
        "submission": secrets.token_hex(16),
    }
    neighbours = _neighbours(pk)
    return page(request, "event.html", context | neighbours | _body(found) | _codes(request, pk))


def _task_url(found: Event) -> str:
    """Return the page of the task that another program sent; empty where it can have none."""
    if not found.task:
        return ""
    try:
        name = f"{names.queue_name(found.queue)}/tasks/{found.task}"
    except ValidationError:  # no queue of Cloud Tasks has such a name
        return ""
    return f"{reverse('task-by-name')}?{urlencode({'name': name})}"


def _body(found: Any) -> dict[str, Any]:
    body = bytes(found.begin or b"")  # of none SQLite makes NULL
    return {
        "pretty": inert.pretty(body),
        "too_large_to_lay_out": len(body) > inert.PRETTY_BYTES,
        "raw": inert.raw(body),
        "raw_is_cut": len(body) > inert.RAW_BYTES,
        "hex": inert.hexdump(body),
        "hex_is_cut": len(body) > inert.HEX_BYTES,
    }


def _neighbours(pk: int) -> dict[str, int | None]:
    """Return the keys of the events before and after this one, as they arrived."""
    ids = Event.objects.values_list("pk", flat=True)
    return {
        "older": ids.filter(pk__lt=pk).order_by("-pk").first(),
        "newer": ids.filter(pk__gt=pk).order_by("pk").first(),
    }


def _codes(request: HttpRequest, pk: int) -> dict[str, Any]:
    """Return the request as code, what of it that leaves out, or why there is none."""
    may = request.user.has_perm
    if not may("receiver.view_body"):
        return {}
    try:
        draft, left_out = resend.draft(pk, may)
    except (PermissionDenied, ValidationError) as error:
        said = error.messages[0] if isinstance(error, ValidationError) else str(error)
        return {"no_copy": said}
    return {"codes": snippets.all_of(draft), "left_out": left_out}


def _attempts(found: Event, sent: SentTask | None) -> list[Event]:
    if not found.task:
        return []
    if sent is None:
        return attempts(found.queue, found.task)
    until = belongs.ends([sent]).get(sent.pk)
    return attempts(found.queue, found.task, sent.created_at - SKEW, until)


def _other(found: Event, arrived: list[Event]) -> int | None:
    """Return the attempt to compare this one with: the one before it, or else the next."""
    others = [event.pk for event in arrived if event.pk != found.pk]
    before = [pk for pk in others if pk < found.pk]
    return max(before) if before else min(others, default=None)


@allowed("receiver.view_event", "receiver.view_body")
@require_safe
def event_body(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the exact bytes as a file: never with the sender's type, never to be shown in place."""
    found = get_object_or_404(Event.objects.only("body"), pk=pk)
    return HttpResponse(
        bytes(found.body),
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="event-{pk}.bin"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        },
    )
