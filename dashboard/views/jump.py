"""The box at the top of each page: what a person has of a thing leads to its page."""

import re
from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from receiver.models import Event

from .. import gateway, names
from ..errors import GatewayError
from .frame import back, plain, staff, whole

_EVENT = re.compile(r"(?:event[ -]?|#)?(\d{1,18})", re.ASCII | re.IGNORECASE)


@staff
@require_safe
def jump(request: HttpRequest) -> HttpResponse:
    """Go to the event, queue or task that this text names; else say what can be typed."""
    text = plain(request.GET.get("q"), 900).strip()
    where = _place(text, request.user.has_perm) if text else ""
    if where:
        return redirect(where)
    if text:
        messages.warning(
            request,
            "Nothing that you may see has this name. The box takes a task's id or full name, an "
            "event's number, or a queue's name.",
        )
    return redirect(back(request, reverse("overview")))


def _place(text: str, may: Callable[[str], bool]) -> str:
    """Return the path that this leads to; an event's number before a queue's or task's name."""
    number = _EVENT.fullmatch(text)
    key = whole(number[1]) if number else None
    if key and may("receiver.view_event") and Event.objects.filter(pk=key).exists():
        return reverse("event", args=[key])
    if may("dashboard.view_queue") and (queue := _queue(text)):
        return reverse("queue", args=[queue])
    if may("dashboard.view_senttask") and _may_be_task(text):
        return f"{reverse('task-by-name')}?{urlencode({'name': text})}"
    return ""


def _queue(text: str) -> str:
    """Return a queue's short name where this is one, by its short or its full name."""
    try:
        name = names.queue_name(text)
        queues = gateway.list_queues()
    except (ValidationError, GatewayError):
        return ""
    return names.short(name) if any(queue.name == name for queue in queues) else ""


def _may_be_task(text: str) -> bool:
    if re.fullmatch(names.TASK, text):
        return True
    try:
        return bool(names.split_task(text))
    except ValidationError:
        return False
