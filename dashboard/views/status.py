"""The set-up as it is: settings, health, findings, refusals; and the self-test."""

import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from receiver.models import Refusal

from .. import acts, gateway, health, self_test, set_up, timeline
from ..errors import GatewayError
from ..models import SKEW, SentTask
from ..refresh import refresh
from ..resources import Queue
from .frame import allowed, live, live_part, page, staff

LEVELS = {50: "bad", 40: "bad", 30: "warn"}


@staff
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Show what this process is set to and whether it works."""
    return page(request, "status.html", _context(request))


@allowed("dashboard.add_senttask")
@require_POST
def start_test(request: HttpRequest) -> HttpResponse:
    """Send the self-test's task, once however often the form comes, and go and watch it."""
    user: Any = request.user
    key = request.POST.get("submission", "")[:64] or secrets.token_hex(16)
    try:
        draft = self_test.draft(f"self-test-{secrets.token_hex(8)}")
    except ValidationError as error:
        return page(request, "status.html", _context(request) | {"trouble": error.messages[0]})
    with transaction.atomic():
        sent, first = SentTask.objects.prepare(draft, key, random_name=True, by=user)
        act = acts.on_task(user, sent, "Self-test.", acts.ADDITION) if first else None
    if act:
        try:
            with acts.told(act):
                sent.send()
        except GatewayError:
            pass  # the row has the reason, and the page shows it as the step that failed
    return redirect("self-test", sent.pk)


@allowed("dashboard.add_senttask")
@require_safe
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a self-test has come: the whole page, or as a poll the steps alone."""
    sent = get_object_or_404(SentTask, pk=pk)
    if not sent.url.endswith(self_test.PATH):
        raise Http404("This task is no self-test.")
    context = _steps(sent)
    if request.headers.get("HX-Request"):
        return live(request, "_self_test.html", context)
    part = live_part(request, "_self_test.html", context)
    return page(request, "status.html", _context(request) | context | {"part": part})


def _steps(sent: SentTask) -> dict[str, Any]:
    if sent.answer != SentTask.Answer.REFUSED:
        refresh([sent])
    now = timezone.now()
    events = timeline.attempts(sent.queue_id, sent.task_id, sent.created_at - SKEW)
    found = self_test.steps(sent, events, self_test.refusals(sent), _queue(sent.queue), now)
    return {
        "test": sent,
        "steps": found,
        "event": events[-1] if events else None,
        "live": not self_test.over(sent, now),
        "passed": all(step.state in ("done", "doubt") for step in found),
        "failed": any(step.state == "failed" for step in found),
    }


def _queue(name: str) -> Queue | None:
    try:
        return gateway.get_queue(name)
    except GatewayError:
        return None


def _context(request: HttpRequest) -> dict[str, Any]:
    may_see_refusals = request.user.has_perm("receiver.view_refusal")
    found = [(LEVELS.get(message.level, "info"), message) for message in health.findings()]
    return {
        "title": "Status",
        "parts": health.look(),
        "findings": found,
        "refusals": _refusals() if may_see_refusals else [],
        "groups": set_up.groups(),
        "versions": set_up.versions(),
        "submission": secrets.token_hex(16),
        "receives": "receiver" in settings.SURFACES,
    }


def _refusals() -> list[dict[str, Any]]:
    """Return the refusals of the last hour by reason, the most frequent first."""
    since = timezone.now() - timedelta(hours=1)
    by_reason: dict[str, dict[str, Any]] = {}
    for refusal in Refusal.objects.filter(minute__gte=since).order_by("-minute"):
        row = by_reason.setdefault(refusal.reason, {"count": 0, "last": refusal})
        row["count"] += refusal.count
    return sorted(by_reason.values(), key=lambda row: -row["count"])
