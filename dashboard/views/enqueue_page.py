"""What the page of the enqueue form shows, empty, filled, or as it was typed."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from receiver.models import RECIPES

from .. import drafts, gateway, like
from ..errors import GatewayError
from ..forms import EnqueueForm
from ..models import Template
from .enqueue_parts import no_recipe, parts

RECENT = 5  # templates offered on the form


def filled(request: HttpRequest, found: like.Like) -> dict[str, Any]:
    """Return the context of a form that is filled but not sent."""
    form = EnqueueForm(initial=found.initial, kept=found.body or b"", no_recipe=no_recipe(request))
    return context(request, form) | {"like": found}


def context(request: HttpRequest, form: EnqueueForm) -> dict[str, Any]:
    """Return what the page of this form needs."""
    queues, trouble = _queue_ids()
    may_use = request.user.has_perm("dashboard.view_template")
    chosen = str(form["queue"].value() or "")
    return {
        "title": "Enqueue a task",
        "form": form,
        "queues": queues if trouble or chosen in queues or not chosen else [chosen, *queues],
        "methods": drafts.METHODS,
        "templates": list(Template.objects.recent()[:RECENT]) if may_use else [],
        "recipes": {} if form.no_recipe else RECIPES,
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
