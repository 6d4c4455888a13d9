"""Sends what the enqueue form says, once however often the form comes."""

from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from receiver.models import Reply

from .. import acts, recipes
from ..drafts import Draft
from ..errors import GatewayError, NotFound, UnknownOutcome
from ..forms import EnqueueForm
from ..models import SentTask


def send(request: HttpRequest, form: EnqueueForm) -> SentTask | None:
    """Send once however often the form comes; None leaves the reason on the form."""
    draft, data = form.draft, form.cleaned_data
    assert draft  # noqa: S101  a valid form has one
    try:
        sent, act, reply = _prepare(request, form, draft)
    except (OperationalError, InterfaceError):
        form.add_error(None, "The database cannot be reached; nothing was sent.")
        return None
    if act is None:
        if sent.says_the_same(draft, random_name=not data["name"], recipe=data["recipe"]):
            return sent
        form.renew()
        form.add_error(None, _sent_before(sent))
        return None
    try:
        with acts.told(act):
            sent.send()
    except UnknownOutcome:
        return sent
    except GatewayError as error:
        if reply:
            reply.delete()
        form.renew()
        form.add_error("queue" if isinstance(error, NotFound) else None, str(error))
        return None
    if data["name"]:
        recipes.switch_off_earlier(sent, reply)
    return sent


def _prepare(
    request: HttpRequest, form: EnqueueForm, draft: Draft
) -> tuple[SentTask, LogEntry | None, Reply | None]:
    """Commit the row, its rule and its entry in the log; no entry where the form came before."""
    user: Any = request.user
    named, recipe = bool(form.cleaned_data["name"]), form.cleaned_data["recipe"]
    key = form.cleaned_data["submission"]
    until = recipes.ends_at(draft) if recipe else None
    with transaction.atomic():
        sent, first = SentTask.objects.prepare(
            draft, key, random_name=not named, by=user, recipe=recipe
        )
        if not first:
            return sent, None, None
        text = f"Sent to queue {sent.queue_id}."
        if recipe:
            text += f" Recipe: {sent.recipe_name}."
        act = acts.on_task(user, sent, text, acts.ADDITION)
        return sent, act, recipes.follow(sent, until) if until else None


def _sent_before(sent: SentTask) -> SafeString:
    return format_html(
        "This form has been sent before with other fields, as task "
        '<a href="{}">{}</a>. What it says now has not been sent: '
        "press Enqueue once more to send it as another task.",
        reverse("task", args=[sent.pk]),
        sent.task_id,
    )
