"""What follows the enqueue form while it is typed: the same task as code, and its retry plan."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from .. import drafts, gateway, like, name_help, names, retry_chart, snippets, words
from ..drafts import Draft
from ..errors import GatewayError
from ..forms import EnqueueForm
from ..retry_plan import RetryConfig, plan
from .frame import allowed


@allowed("dashboard.add_senttask")
@require_POST
def code(request: HttpRequest) -> HttpResponse:
    """Answer what was typed so far; in the code a field that is wrong stands as its default."""
    form = typed_form(request)
    return render(request, "dashboard/_enqueue_parts.html", parts(form))


def typed_form(request: HttpRequest) -> EnqueueForm:
    """Return the form as it was sent, with the bytes that it refers to."""
    kept: bytes | None = b""
    if key := request.POST.get("like", ""):
        try:
            kept = like.find(key, request.user.has_perm).body
        except like.NoSuch:
            kept = None
    return EnqueueForm(request.POST, kept=kept, no_recipe=no_recipe(request))


def no_recipe(request: HttpRequest) -> str:
    """Return why this reader cannot have the receiver answer by a recipe; nothing if they can."""
    if not settings.REPLIES:
        return "Replies are off here (REPLIES=0): the receiver answers as usual."
    if not request.user.has_perm("receiver.add_reply"):
        return "Your account lacks the permission receiver.add_reply."
    return ""


def parts(form: EnqueueForm) -> dict[str, Any]:
    """Return what the parts beside the form need, however little of it is typed or right."""
    if not form.is_bound:
        form = form.as_if_sent()
    form.is_valid()
    draft = _draft(form)
    return {
        "codes": snippets.all_of(draft),
        "plan": _plan(draft),
        "named": _named(form, draft),
        "warnings": drafts.warnings(draft),
    }


def _named(form: EnqueueForm, draft: Draft) -> dict[str, Any]:
    """Return whether the typed name is free, and names to use instead."""
    task_id = form.cleaned_data.get("name", "")
    known = name_help.look(f"{draft.queue}/tasks/{task_id}") if task_id else None
    free = known is None or known.state in ("free", "unknown")
    offers = name_help.offers(task_id, draft.body, timezone.now(), free=free)
    return {"known": known, "offers": offers}


def _draft(form: EnqueueForm) -> Draft:
    if form.draft:
        named = form.cleaned_data.get("name")
        return form.draft if named else replace(form.draft, name="")
    data: dict[str, Any] = form.cleaned_data
    url = data.get("url") or settings.RECEIVER_URL
    account = settings.OIDC_SERVICE_ACCOUNT if drafts.under_receiver(url) else ""
    return Draft(
        name="",
        queue=data.get("queue") or names.queue_name(settings.CLOUD_TASKS_QUEUE),
        url=url,
        method=data.get("method") or "POST",
        headers=data.get("headers") or [],
        body=data.get("body") or b"",
        schedule_time=data.get("schedule_time"),
        account=data.get("account", account),
        audience=settings.RECEIVER_URL,
    )


def _plan(draft: Draft) -> dict[str, Any]:
    """Return the retry plan as its queue makes it, or the sentence of why it is not known."""
    try:
        queue = gateway.get_queue(draft.queue)
    except GatewayError as error:
        return {"trouble": str(error)}
    now = timezone.now()
    first = max(now, draft.schedule_time or now)
    found = plan(RetryConfig.of(queue), (first - now).total_seconds())
    return {
        "sentence": words.planned(found),
        "first_at": draft.schedule_time,
        "gives_up_at": first + timedelta(seconds=found.lasts),
        "retries": found.attempts > 1,
        "expires": found.expires,
        "chart": retry_chart.draw(found) if found.attempts > 1 else "",
        "state": "" if queue.running else queue.state.lower(),
        "queue": queue.id,
    }
