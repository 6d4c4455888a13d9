"""What can be done to one task: run, cancel, send again; and what only a local Cloud Tasks does."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_POST

from .. import acts, copies, gateway, local, names
from ..errors import GatewayError, UnknownOutcome
from ..models import SentTask
from .doing import do, do_once
from .frame import allowed, page, plain
from .task import address

ENDED = "The task has ended."


@allowed("dashboard.add_senttask")
@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask again for a task whose answer was lost: the same name, so never a second task."""
    sent = get_object_or_404(SentTask, pk=pk)
    if not sent.may_repeat:
        messages.error(request, "This task can no longer be sent again under the same name.")
        return redirect("task", pk)
    try:
        with acts.told(acts.on_task(request.user, sent, "Sent again under the same name.")):
            sent.send(again=True)
    except UnknownOutcome as error:
        messages.warning(request, f"Still unknown. {error}")
    except GatewayError as error:
        messages.error(request, str(error))
    return redirect("task", pk)


@allowed("dashboard.add_senttask")
@require_POST
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the same request once more, byte by byte, as a task with a name of its own."""
    sent = get_object_or_404(SentTask, pk=pk)
    try:
        copy, first = copies.prepare(sent, request.user, request.POST.get("submission", ""))
        if first:
            with acts.told(acts.on_task(request.user, copy, copies.in_words(sent), acts.ADDITION)):
                copy.send()
    except (GatewayError, ValidationError) as error:
        said = error.messages[0] if isinstance(error, ValidationError) else str(error)
        messages.error(request, f"Not sent again. {said}")
        return redirect("task", pk)
    if not request.user.has_perm("dashboard.view_senttask"):
        messages.success(request, f"Sent as {copy.task_id}.")
        return redirect("enqueue")
    return redirect("task", copy.pk)


@allowed("dashboard.change_senttask")
@require_POST
def run(request: HttpRequest) -> HttpResponse:
    """Run a task now, by its full name; the same key again does nothing."""
    name = _name(request)
    do_once(
        request,
        lambda: acts.on_named_task(request.user, name, "Run now."),
        lambda: gateway.run_task(name),
        "Running now.",
        ENDED,
    )
    return redirect(_back(request, name))


@allowed("dashboard.delete_senttask")
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest) -> HttpResponse:
    """Delete a task from its queue, once it has been asked whether that is meant."""
    name = _name(request)
    if request.method != "POST":
        context = {"title": "Cancel a task", "name": name, "task_id": names.short(name)}
        return page(request, "task_cancel.html", context | {"back": _back(request, name)})
    entry = acts.on_named_task(request.user, name, "Cancelled.", acts.DELETION)
    done = "Cancelled: it is not tried again."
    do(request, entry, lambda: SentTask.objects.cancel(name), done, ENDED)
    return redirect(_back(request, name))


@allowed("dashboard.change_senttask")
@require_POST
def forward(request: HttpRequest) -> HttpResponse:
    """Turn a local Cloud Tasks' clock to when this task is due; without a time, back again."""
    name, moment = _name(request), parse_datetime(plain(request.POST.get("to"), 40))
    if moment is None or moment.tzinfo is None:
        entry = acts.on_named_task(request.user, name, "Local clock set back to the real time.")
        do(request, entry, local.real_time, "The local clock is back at the real time.")
    else:
        entry = acts.on_named_task(request.user, name, f"Local clock turned to {moment}.")
        do(request, entry, lambda: local.forward(moment), "The local clock is turned.")
    return redirect(_back(request, name))


@allowed("dashboard.change_senttask")
@require_POST
def twice(request: HttpRequest) -> HttpResponse:
    """Let a local Cloud Tasks deliver this task's request once more."""
    name = _name(request)
    do_once(
        request,
        lambda: acts.on_named_task(request.user, name, "Delivered once more."),
        lambda: local.deliver_twice(name),
        "Delivered once more, as at-least-once delivery may.",
        ENDED,
    )
    return redirect(_back(request, name))


def _name(request: HttpRequest) -> str:
    name = plain(request.POST.get("name") or request.GET.get("name"), 900)
    try:
        names.split_task(name)
    except ValidationError as error:
        raise Http404(error.messages[0]) from error
    return name


def _back(request: HttpRequest, name: str) -> str:
    return address(name) if request.user.has_perm("dashboard.view_senttask") else "/"
