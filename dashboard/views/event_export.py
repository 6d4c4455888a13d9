"""What matches on the events' page, as a file."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from .. import acts
from ..event_export import FORMATS
from ..event_filters import Filters
from .frame import allowed


@allowed("receiver.view_event")
@require_safe
def event_export(request: HttpRequest, form: str) -> Any:
    """Stream all events that match as CSV or NDJSON; bodies for those who may see them."""
    if form not in FORMATS:
        raise Http404("Events are exported as csv or ndjson.")
    filters = Filters.of(request)
    if filters.problem:
        return redirect(f"{reverse('events')}?{filters.write()}")  # which says what is wrong
    if request.method == "HEAD":
        return HttpResponse(content_type=FORMATS[form][0])
    with_body = request.user.has_perm("receiver.view_body")
    what = "with bodies" if with_body else "without bodies"
    acts.on_events(request.user, f"Exported as {form}, {what}: {filters.said}.")
    content_type, rows = FORMATS[form]
    name = f"events-{timezone.now():%Y%m%d-%H%M%S}.{form}"
    return StreamingHttpResponse(
        rows(filters, with_body),
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        },
    )
