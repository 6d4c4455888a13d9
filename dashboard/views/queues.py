"""The queues: their limits in words, and what can be done to them."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from .. import acts, figures, gateway, names, words
from ..errors import GatewayError, NotFound
from ..queue_forms import NewQueueForm, PurgeForm, QueueForm
from ..resources import DEFAULTS, Queue
from .frame import allowed, back, page, plain


@allowed("dashboard.view_queue")
@require_safe
def queues(request: HttpRequest) -> HttpResponse:
    """List the queues with what came from each in the last 24 hours."""
    counts = figures.last_day().queues
    context: dict[str, Any] = {"title": "Queues", "rows": []}
    try:
        context["rows"] = [
            {"queue": queue, "events": counts[queue.id]} for queue in gateway.list_queues()
        ]
    except GatewayError as error:
        context["trouble"] = str(error)
    return page(request, "queues.html", context)


@allowed("dashboard.view_queue")
@require_safe
def queue(request: HttpRequest, name: str) -> HttpResponse:
    """Show one queue and the tasks in it, a page of Cloud Tasks' own at a time."""
    context: dict[str, Any] = {"title": name, "name": name}
    try:
        context |= _in_words(gateway.get_queue(_full(name)))
        token = plain(request.GET.get("page"), 2000)
        context["tasks"], context["next_page"] = gateway.list_tasks(_full(name), token)
    except NotFound as error:
        if "queue" not in context:
            return page(request, "queue.html", context | {"trouble": str(error)}, status=404)
        context["trouble"] = str(error)
    except GatewayError as error:
        context["trouble"] = str(error)
    return page(request, "queue.html", context)


@allowed("dashboard.change_queue")
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Create a queue."""
    form = NewQueueForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        limits = {k: v for k, v in form.limits.items() if k in DEFAULTS}
        act = acts.on_queue(request.user, names.short(name), "Created.", acts.ADDITION)
        if _done(form, act, lambda: gateway.create_queue(name, limits)):
            messages.success(request, f"Queue {names.short(name)} created.")
            return _to(request, names.short(name))
    context = {"title": "New queue", "form": form, "submit": "Create queue"}
    return page(request, "queue_form.html", context)


@allowed("dashboard.change_queue")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, name: str) -> HttpResponse:
    """Change a queue's limits: only those that differ are sent."""
    context: dict[str, Any] = {"title": f"Limits of {name}", "name": name, "submit": "Save"}
    try:
        now = gateway.get_queue(_full(name))
    except GatewayError as error:
        return page(request, "queue_form.html", context | {"trouble": str(error)})
    form = QueueForm(request.POST or None, initial=_limits(now))
    if request.method == "POST" and form.is_valid():
        changes = form.changes
        if not changes:
            messages.info(request, "Nothing was changed.")
            return _to(request, name)
        act = acts.on_queue(request.user, name, f"Limits changed: {_listed(changes)}.")
        if _done(form, act, lambda: gateway.update_queue(now.name, changes)):
            messages.success(request, f"Limits of {name} changed.")
            return _to(request, name)
    return page(request, "queue_form.html", context | {"form": form})


@allowed("dashboard.change_queue")
@require_POST
def pause(request: HttpRequest, name: str) -> HttpResponse:
    """Pause a queue."""
    act = acts.on_queue(request.user, _known(name), "Paused.")
    return _act(request, act, gateway.pause_queue, "paused: nothing is dispatched")


@allowed("dashboard.change_queue")
@require_POST
def resume(request: HttpRequest, name: str) -> HttpResponse:
    """Resume a queue."""
    act = acts.on_queue(request.user, _known(name), "Resumed.")
    return _act(request, act, gateway.resume_queue, "running")


@allowed("dashboard.purge_queue")
@require_http_methods(["GET", "HEAD", "POST"])
def purge(request: HttpRequest, name: str) -> HttpResponse:
    """Delete all tasks of a queue, once its name has been typed."""
    full = _full(name)
    form = PurgeForm(request.POST or None, queue=name)
    if request.method == "POST" and form.is_valid():
        act = acts.on_queue(request.user, name, "Purged.", acts.DELETION)
        if _done(form, act, lambda: gateway.purge_queue(full)):
            messages.success(request, f"Queue {name} purged.")
            return _to(request, name)
    context = {"title": f"Purge {name}", "name": name, "form": form}
    return page(request, "queue_purge.html", context)


def _in_words(queue: Queue) -> dict[str, Any]:
    return {
        "queue": queue,
        "pace": words.pace(queue),
        "patience": words.patience(queue),
        "pauses": words.pauses(queue),
    }


def _act(
    request: HttpRequest, act: LogEntry, action: Callable[[str], Queue], state: str
) -> HttpResponse:
    name = str(act.object_id)
    try:
        with acts.told(act):
            action(_full(name))
    except GatewayError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Queue {name} is {state}.")
    return redirect(back(request, "/queues/"))


def _to(request: HttpRequest, name: str) -> HttpResponse:
    """Go to the queue's page, or where one may not see it, to the first page."""
    if request.user.has_perm("dashboard.view_queue"):
        return redirect("queue", name)
    return redirect("overview")


def _done(form: Any, act: LogEntry, change: Callable[[], Queue]) -> bool:
    """Make a change; False leaves Cloud Tasks' own words on the form."""
    try:
        with acts.told(act):
            change()
    except GatewayError as error:
        form.add_error(None, str(error))
        return False
    return True


def _full(name: str) -> str:
    try:
        return names.queue_name(name)
    except ValidationError as error:
        raise Http404(error.messages[0]) from error


def _known(name: str) -> str:
    _full(name)
    return name


def _listed(limits: dict[str, float | None]) -> str:
    return ", ".join(
        f"{limit} = {'default' if value is None else f'{value:g}'}"
        for limit, value in limits.items()
    )


def _limits(queue: Queue) -> dict[str, float | None]:
    return {limit: getattr(queue, limit) for limit in DEFAULTS}
