"""The form that sends one task."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from .. import acts, drafts, gateway, like
from ..errors import GatewayError, NotFound, UnknownOutcome
from ..forms import EnqueueForm
from ..models import SentTask
from .enqueue_parts import parts, typed_form
from .frame import allowed, page


@allowed("dashboard.add_senttask")
@require_http_methods(["GET", "HEAD", "POST"])
def enqueue(request: HttpRequest) -> HttpResponse:
    """Show the form, or send its task and go to the page that shows it arrive."""
    if request.method != "POST":
        return _empty_or_filled(request)
    form = typed_form(request)
    if form.is_valid() and (sent := _send(request, form)):
        for warning in drafts.warnings(sent.url, sent.method):
            messages.warning(request, warning)
        if request.user.has_perm("dashboard.view_senttask"):
            return redirect("task", sent.pk)
        messages.success(request, f"Sent as {sent.task_id}.")
        return redirect("enqueue")
    return page(request, "enqueue.html", _context(form))


def _empty_or_filled(request: HttpRequest) -> HttpResponse:
    """Show the form, filled from what `?like=` refers to."""
    if not (key := request.GET.get("like", "")):
        return page(request, "enqueue.html", _context(EnqueueForm()))
    try:
        found = like.find(key, request.user.has_perm)
    except like.NoSuch as error:
        context = _context(EnqueueForm()) | {"no_such": str(error)}
        return page(request, "enqueue.html", context, status=404)
    form = EnqueueForm(initial=found.initial, kept=found.body or b"")
    return page(request, "enqueue.html", _context(form) | {"like": found})


def _send(request: HttpRequest, form: EnqueueForm) -> SentTask | None:
    """Send once however often the form comes; None leaves the reason on the form."""
    draft = form.draft
    assert draft  # noqa: S101  a valid form has one
    try:
        sent, act = _prepare(request, form, draft)
    except (OperationalError, InterfaceError):
        form.add_error(None, "The database cannot be reached; nothing was sent.")
        return None
    if act is None:
        if sent.says_the_same(draft, random_name=not form.cleaned_data["name"]):
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
        form.renew()
        form.add_error("queue" if isinstance(error, NotFound) else None, str(error))
        return None
    return sent


def _sent_before(sent: SentTask) -> SafeString:
    return format_html(
        "This form has been sent before with other fields, as task "
        '<a href="{}">{}</a>. What it says now has not been sent: '
        "press Enqueue once more to send it as another task.",
        reverse("task", args=[sent.pk]),
        sent.task_id,
    )


def _prepare(
    request: HttpRequest, form: EnqueueForm, draft: drafts.Draft
) -> tuple[SentTask, LogEntry | None]:
    """Commit the row and its entry in the log; no entry where the form has come before."""
    user: Any = request.user
    named = bool(form.cleaned_data["name"])
    key = form.cleaned_data["submission"]
    with transaction.atomic():
        sent, first = SentTask.objects.prepare(draft, key, random_name=not named, by=user)
        text = f"Sent to queue {sent.queue_id}."
        return sent, acts.on_task(user, sent, text, acts.ADDITION) if first else None


def _context(form: EnqueueForm) -> dict[str, Any]:
    queues, trouble = _queue_ids()
    chosen = str(form["queue"].value() or "")
    return {
        "title": "Enqueue a task",
        "form": form,
        "queues": queues if trouble or chosen in queues or not chosen else [chosen, *queues],
        "methods": drafts.METHODS,
        "trouble": trouble,
        "receiver_url": settings.RECEIVER_URL,
        "service_account": settings.OIDC_SERVICE_ACCOUNT,
        "limit": drafts.TASK_BYTES,
        **parts(form),
    }


def _queue_ids() -> tuple[list[str], str]:
    try:
        return [queue.id for queue in gateway.list_queues()], ""
    except GatewayError as error:
        return [], str(error)
