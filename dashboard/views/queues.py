"""The queues: how full they are, their limits in words, and what can be done to them."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from .. import acts, console, figures, gateway, local, names, words
from ..errors import GatewayError, NotFound
from ..queue_forms import NameAgainForm
from ..resources import Depth, Queue
from .frame import allowed, back, page, plain


@allowed("dashboard.view_queue")
@require_safe
def queues(request: HttpRequest) -> HttpResponse:
    """List the queues, how full each is, and what came from it in the last 24 hours."""
    counts = figures.last_day().queues
    context: dict[str, Any] = {"title": "Queues", "rows": []}
    try:
        queues = gateway.list_queues()
    except GatewayError as error:
        return page(request, "queues.html", context | {"trouble": str(error)})
    depths = _depths() if queues else {}
    context["rows"] = [
        {"queue": queue, "events": counts[queue.id], "depth": depths.get(queue.id)}
        for queue in queues
    ]
    return page(request, "queues.html", context)


def _depths() -> dict[str, Depth]:
    """Return how full the queues are; nothing where the beta API that tells it is refused."""
    try:
        return gateway.queue_depths()
    except GatewayError:
        return {}


@allowed("dashboard.view_queue")
@require_safe
def queue(request: HttpRequest, name: str) -> HttpResponse:
    """Show one queue and the tasks in it, a page of Cloud Tasks' own at a time."""
    context: dict[str, Any] = {"title": name, "name": name}
    context["console_url"] = console.queue_link(full_name(name))
    try:
        context |= _in_words(gateway.get_queue(full_name(name)))
        context["depth"] = _depths().get(name)
        token = plain(request.GET.get("page"), 2000)
        context["tasks"], context["next_page"] = gateway.list_tasks(full_name(name), token)
        context["local"] = _local(request)
    except NotFound as error:
        if "queue" not in context:
            return page(request, "queue.html", context | {"trouble": str(error)}, status=404)
        context["trouble"] = str(error)
    except GatewayError as error:
        context["trouble"] = str(error)
    return page(request, "queue.html", context)


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
    queue = full_name(name)
    form = NameAgainForm(request.POST or None, queue=name)
    if request.method == "POST" and form.is_valid():
        act = acts.on_queue(request.user, name, "Purged.", acts.DELETION)
        if done(form, act, lambda: gateway.purge_queue(queue)):
            messages.success(request, f"Queue {name} purged.")
            return go_to(request, name)
    context = {"title": f"Purge {name}", "name": name, "form": form, "depth": _depths().get(name)}
    return page(request, "queue_purge.html", context)


@allowed("dashboard.change_queue", "dashboard.purge_queue")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, name: str) -> HttpResponse:
    """Delete a queue with its tasks, once its name has been typed."""
    queue = full_name(name)
    form = NameAgainForm(request.POST or None, queue=name)
    if request.method == "POST" and form.is_valid():
        act = acts.on_queue(request.user, name, "Deleted.", acts.DELETION)
        if done(form, act, lambda: gateway.delete_queue(queue)):
            messages.success(request, f"Queue {name} deleted. Its name rests for days now.")
            return redirect(
                "queues" if request.user.has_perm("dashboard.view_queue") else "overview"
            )
    context = {"title": f"Delete {name}", "name": name, "form": form, "depth": _depths().get(name)}
    return page(request, "queue_delete.html", context)


def _in_words(queue: Queue) -> dict[str, Any]:
    return {
        "queue": queue,
        "pace": words.pace(queue),
        "patience": words.patience(queue),
        "pauses": words.pauses(queue),
    }


def _local(request: HttpRequest) -> dict[str, Any] | None:
    """Return what the part about a local Cloud Tasks needs, for those who may use it."""
    if not request.user.has_perm("dashboard.change_senttask") or not local.is_here():
        return None
    with suppress(GatewayError):
        found = {"ahead": local.ahead(), "steps": local.STEPS, "orders": local.ORDERS}
        return found | {"keys": [secrets.token_hex(16) for _ in range(3)]}
    return None


def _act(
    request: HttpRequest, act: LogEntry, action: Callable[[str], Queue], state: str
) -> HttpResponse:
    name = str(act.object_id)
    try:
        with acts.told(act):
            action(full_name(name))
    except GatewayError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Queue {name} is {state}.")
    return redirect(back(request, "/queues/"))


def go_to(request: HttpRequest, name: str) -> HttpResponse:
    """Go to the queue's page, or where one may not see it, to the first page."""
    if request.user.has_perm("dashboard.view_queue"):
        return redirect("queue", name)
    return redirect("overview")


def done(form: Any, act: LogEntry, change: Callable[[], object]) -> bool:
    """Make a change; False leaves Cloud Tasks' own words on the form."""
    try:
        with acts.told(act):
            change()
    except GatewayError as error:
        form.add_error(None, str(error))
        return False
    return True


def full_name(name: str) -> str:
    """Return a queue's full name by its short one; Http404 where it can be none."""
    try:
        return names.queue_name(name)
    except ValidationError as error:
        raise Http404(error.messages[0]) from error


def _known(name: str) -> str:
    full_name(name)
    return name
