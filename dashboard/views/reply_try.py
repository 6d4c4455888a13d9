"""Sends one task that a rule is meant for, to see it answer."""

import secrets
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from receiver.models import Reply

from .. import acts, gateway, try_reply
from ..errors import GatewayError, UnknownOutcome
from ..models import SentTask
from .frame import allowed


@allowed("receiver.view_reply", "dashboard.add_senttask")
@require_POST
def try_it(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a task that meets the rule, once however often the form comes; go and watch it."""
    reply = get_object_or_404(Reply, pk=pk)
    try:
        if (state := reply.state(timezone.now())) != "on":
            raise ValidationError(f"It answers nothing now: it is {state}.")
        queues = [queue.id for queue in gateway.list_queues() if queue.running]
        sent = _send(request, reply, queues)
    except ValidationError as error:
        messages.error(request, f"{reply.name} was not tried. {error.messages[0]}")
        return redirect("replies")
    except GatewayError as error:
        messages.error(request, f"{reply.name} was not tried. {error}")
        return redirect("replies")
    if request.user.has_perm("dashboard.view_senttask"):
        return redirect("task", sent.pk)
    messages.success(request, f"Sent as {sent.task_id}.")
    return redirect("replies")


def _send(request: HttpRequest, reply: Reply, queues: list[str]) -> SentTask:
    user: Any = request.user
    key = request.POST.get("submission", "")[:64] or secrets.token_hex(16)
    named = bool(reply.task) and "*" not in reply.task
    draft = try_reply.draft(reply, queues)
    with transaction.atomic():
        sent, first = SentTask.objects.prepare(draft, key, random_name=not named, by=user)
        if not first:
            return sent
        act = acts.on_task(user, sent, f"Sent to try the reply {reply.name}.", acts.ADDITION)
    try:
        with acts.told(act):
            sent.send()
    except UnknownOutcome:
        pass  # its page says so and offers to ask again
    return sent
