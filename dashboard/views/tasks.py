"""What was sent: the list, one task live on its timeline, any task by its name."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from .. import acts, belongs, gateway, inert, names, snippets, timeline
from ..errors import GatewayError, NotFound, UnknownOutcome
from ..models import SKEW, SentTask
from ..refresh import refresh
from .frame import allowed, live, live_part, page, plain, whole

PAGE = 50
STATES = ("", *(state for state in SentTask.State.values if state))


@allowed("dashboard.view_senttask")
@require_safe
def tasks(request: HttpRequest) -> HttpResponse:
    """List the tasks sent from here, newest first; unfinished ones on the page are asked about."""
    state = plain(request.GET.get("state"), 20)
    before = whole(request.GET.get("before"))
    batch = whole(request.GET.get("batch"))
    found = SentTask.objects.light().select_related("created_by")
    if state in STATES and state:
        found = found.filter(state=state)
    elif state == "not created":
        found = found.filter(answer=SentTask.Answer.REFUSED)
    if batch:
        found = found.filter(batch=batch)
    rows = list((found.filter(id__lt=before) if before else found)[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    older = urlencode(_query(state, batch) | {"before": rows[-1].pk}) if more else ""
    context = {
        "title": "Tasks",
        "trouble": refresh(rows),
        "rows": rows,
        "older": older,
        "before": before,
        "state": state,
        "batch": batch,
        "tabs": [_tab(name, state, batch) for name in (*STATES, "not created")],
    }
    return page(request, "tasks.html", context)


def _query(state: str, batch: int | None) -> dict[str, Any]:
    return {key: value for key, value in (("state", state), ("batch", batch)) if value}


def _tab(name: str, state: str, batch: int | None) -> dict[str, Any]:
    query = urlencode(_query(name, batch))
    url = f"{reverse('tasks')}?{query}" if query else reverse("tasks")
    return {"label": name.capitalize() or "All", "here": name == state, "url": url}


@allowed("dashboard.view_senttask")
@require_safe
def task(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one task sent from here: exactly what was sent, and what became of it, live."""
    sent = get_object_or_404(SentTask.objects.select_related("created_by"), pk=pk)
    context = _live_context(request, sent)
    if request.headers.get("HX-Request"):
        return live(request, "_task_live.html", context)
    draft = sent.draft
    context |= {
        "title": sent.task_id,
        "part": live_part(request, "_task_live.html", context),
        "raw": inert.raw(draft.body),
        "raw_is_cut": len(draft.body) > inert.RAW_BYTES,
        "pretty": inert.pretty(draft.body),
        "codes": snippets.all_of(draft),
    }
    return page(request, "task.html", context)


def _live_context(request: HttpRequest, sent: SentTask) -> dict[str, Any]:
    trouble = refresh([sent])
    now = timezone.now()
    until = belongs.ends([sent]).get(sent.pk)
    may = request.user.has_perm
    events, refusals = [], []
    if may("receiver.view_event") and sent.answer != SentTask.Answer.REFUSED:
        events = timeline.attempts(sent.queue_id, sent.task_id, sent.created_at - SKEW, until)
    if may("receiver.view_refusal"):
        refusals = timeline.of_refusals(sent.queue_id, sent.task_id, sent.created_at, until)
    by = sent.created_by.get_username() if sent.created_by else ""
    between = sorted([*timeline.of_events(events), *refusals], key=lambda entry: entry.at or now)
    return {
        "task": sent,
        "trouble": trouble,
        "entries": [*timeline.of_sent(sent, by), *between, *timeline.of_task(sent, events, now)],
        "events": events,
        "live": not sent.ended_at and sent.answer != SentTask.Answer.REFUSED,
    }


@allowed("dashboard.add_senttask")
@require_POST
def task_again(request: HttpRequest, pk: int) -> HttpResponse:
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


@allowed("dashboard.view_senttask")
@require_safe
def task_by_name(request: HttpRequest) -> HttpResponse:
    """Show any task by its full name: what Cloud Tasks tells of it, and its events."""
    name = plain(request.GET.get("name"), 900).strip()
    sent = SentTask.objects.filter(name=name).exclude(answer=SentTask.Answer.REFUSED).first()
    if sent:
        return redirect("task", sent.pk)
    context: dict[str, Any] = {"title": "A task by its name", "name": name}
    try:
        queue, task_id = names.split_task(name)
    except ValidationError as error:
        context["trouble"] = error.messages[0] if name else ""
        return page(request, "task_by_name.html", context, status=400 if name else 200)
    context |= {"queue_id": names.short(queue), "task_id": task_id} | _ask(name)
    may_see = request.user.has_perm("receiver.view_event")
    events = timeline.attempts(names.short(queue), task_id) if may_see else []
    context |= {"events": events, "entries": timeline.of_events(events)}
    return page(request, "task_by_name.html", context)


def _ask(name: str) -> dict[str, Any]:
    try:
        return {"task": gateway.get_task(name)}
    except NotFound as error:
        return {"gone": str(error)}
    except GatewayError as error:
        return {"trouble": str(error)}
