"""Sending an event's request again, byte by byte."""

import secrets

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from .. import acts
from .. import resend as copies
from ..errors import GatewayError
from ..like import NoSuch
from .frame import allowed, plain


@allowed("receiver.view_event", "receiver.view_body", "dashboard.add_senttask")
@require_POST
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the request of one event once more; the same form again sends nothing."""
    key = plain(request.POST.get("submission"), 64) or secrets.token_hex(16)
    try:
        copy, first = copies.prepare(pk, request.user, key)
        if first:
            entry = acts.on_task(
                request.user, copy, f"Sent again as event {pk} was.", acts.ADDITION
            )
            with acts.told(entry):
                copy.send()
    except NoSuch as error:
        raise Http404(str(error)) from error
    except (GatewayError, ValidationError) as error:
        said = error.messages[0] if isinstance(error, ValidationError) else str(error)
        messages.error(request, f"Not sent again. {said}")
        return redirect("event", pk)
    if not request.user.has_perm("dashboard.view_senttask"):
        messages.success(request, f"Sent as {copy.task_id}.")
        return redirect("event", pk)
    return redirect("task", copy.pk)
