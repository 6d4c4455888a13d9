"""A queue's limits: those of a new one, and changes that are reviewed before they are sent."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from .. import acts, gateway, names
from ..errors import GatewayError
from ..queue_forms import NewQueueForm, QueueForm
from ..resources import DEFAULTS, Queue, mask_path
from .frame import allowed, page
from .queues import done, full_name, go_to


@allowed("dashboard.change_queue")
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Create a queue."""
    form = NewQueueForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        limits = {k: v for k, v in form.limits.items() if k in DEFAULTS}
        act = acts.on_queue(request.user, names.short(name), "Created.", acts.ADDITION)
        if done(form, act, lambda: gateway.create_queue(name, limits)):
            messages.success(request, f"Queue {names.short(name)} created.")
            return go_to(request, names.short(name))
    context = {"title": "New queue", "form": form, "submit": "Create queue"}
    return page(request, "queue_form.html", context)


@allowed("dashboard.change_queue")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, name: str) -> HttpResponse:
    """Change a queue's limits, once what differs has been reviewed: that alone is sent."""
    context: dict[str, Any] = {"title": f"Limits of {name}", "name": name}
    try:
        now = gateway.get_queue(full_name(name))
    except GatewayError as error:
        return page(request, "queue_form.html", context | {"trouble": str(error)})
    form = QueueForm(request.POST or None, initial=_limits(now))
    context |= {"form": form, "seen": _seen(now), "submit": "Review the changes"}
    if request.method == "POST" and form.is_valid() and "back" not in request.POST:
        if not form.changes:
            messages.info(request, "Nothing was changed.")
            return go_to(request, name)
        return _reviewed(request, now, form, context)
    return page(request, "queue_form.html", context)


def _reviewed(
    request: HttpRequest, now: Queue, form: QueueForm, context: dict[str, Any]
) -> HttpResponse:
    """Show before and after; once that has been seen, and is still so, change it."""
    changes = form.changes
    if request.POST.get("seen") == _seen(now):
        act = acts.on_queue(request.user, now.id, f"Limits changed: {_listed(changes)}.")
        if done(form, act, lambda: gateway.update_queue(now.name, changes)):
            messages.success(request, f"Limits of {now.id} changed.")
            return go_to(request, now.id)
        return page(request, "queue_form.html", context)
    if "seen" in request.POST:
        context["trouble"] = "Somebody has changed the queue meanwhile. Look again."
    rows = [
        {
            "label": str(form[limit].label),
            "before": _value(getattr(now, limit)),
            "after": _value(value),
        }
        for limit, value in changes.items()
    ]
    context["rows"] = rows
    mask = ",".join(sorted(mask_path(limit) for limit in changes))
    return page(request, "queue_review.html", context | {"mask": mask})


def _value(limit: float | None) -> str:
    return "the default" if limit is None else f"{limit:g}"


def _seen(queue: Queue) -> str:
    """Return what the queue's limits are, to tell on the way back whether they still are."""
    return " ".join(_value(limit) for limit in _limits(queue).values())


def _listed(limits: dict[str, float | None]) -> str:
    return ", ".join(
        f"{limit} = {'default' if value is None else f'{value:g}'}"
        for limit, value in limits.items()
    )


def _limits(queue: Queue) -> dict[str, float | None]:
    return {limit: getattr(queue, limit) for limit in DEFAULTS}
