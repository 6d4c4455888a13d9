"""The form that sends one task."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from .. import drafts, like, pasted
from ..forms import EnqueueForm
from ..models import SentTask, Template
from . import log_in_again
from .enqueue_page import context, filled
from .enqueue_parts import no_recipe, typed_form
from .enqueue_send import send
from .frame import allowed, page


@never_cache
def enqueue(request: HttpRequest) -> HttpResponse:
    """Show the form, or send it; what comes after the session has ended is not lost."""
    if request.POST and not request.user.is_authenticated:
        return log_in_again.ask(request)
    return _enqueue(request)


@allowed("dashboard.add_senttask")
@require_http_methods(["GET", "HEAD", "POST"])
def _enqueue(request: HttpRequest) -> HttpResponse:
    """Show the form, or send its task and go to the page that shows it arrive."""
    if request.method != "POST":
        return _empty_or_filled(request)
    form = typed_form(request)
    if form.is_valid() and (sent := send(request, form)):
        return _sent(request, sent)
    return page(request, "enqueue.html", context(request, form))


def _sent(request: HttpRequest, sent: SentTask) -> HttpResponse:
    """Go and watch the task, or stay with the form as it was, for the next one."""
    for warning in drafts.warnings(sent.draft):
        messages.warning(request, warning)
    may_see = request.user.has_perm("dashboard.view_senttask")
    if may_see and request.POST.get("then") != "stay":
        return redirect("task", sent.pk)
    if not may_see:
        messages.success(request, f"Sent as {sent.task_id}.")
        return redirect("enqueue")
    link = reverse("task", args=[sent.pk])
    messages.success(request, format_html('Sent as <a href="{}">{}</a>.', link, sent.task_id))
    return redirect(f"{reverse('enqueue')}?like=task-{sent.pk}")


def _empty_or_filled(request: HttpRequest) -> HttpResponse:
    """Show the form, filled from what `?like=` refers to."""
    form = EnqueueForm(no_recipe=no_recipe(request))
    if not (key := request.GET.get("like", "")):
        return page(request, "enqueue.html", context(request, form))
    try:
        found = like.find(key, request.user.has_perm)
    except like.NoSuch as error:
        missing = context(request, form) | {"no_such": str(error)}
        return page(request, "enqueue.html", missing, status=404)
    if found.key.startswith("template-"):
        Template.objects.filter(pk=found.key.partition("-")[2]).update(used_at=timezone.now())
    return page(request, "enqueue.html", filled(request, found))


@allowed("dashboard.add_senttask")
@require_POST
def paste(request: HttpRequest) -> HttpResponse:
    """Show the form, filled from a pasted command, or what kept it from being read."""
    command = request.POST.get("command", "")
    try:
        found = pasted.read(command)
    except ValidationError as error:
        form = EnqueueForm(no_recipe=no_recipe(request))
        trouble = {"paste_error": error.messages[0], "command": command}
        return page(request, "enqueue.html", context(request, form) | trouble)
    body = found.fields.pop("body").encode()
    title = f"the {found.program} command"
    source = like.Like("", title, "", found.fields, body, found.left_out)
    return page(request, "enqueue.html", filled(request, source))
