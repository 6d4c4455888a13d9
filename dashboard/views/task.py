"""One task on its timeline, live: one sent from here by its row, any other by its name."""

import hashlib
import secrets
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from .. import console, course, inert, lookup, report, snippets, subject, whole_line
from ..models import SentTask
from ..subject import Subject
from .frame import allowed, live, live_part, page, plain


@allowed("dashboard.view_senttask")
@require_safe
def task(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one task sent from here: exactly what was sent, and what became of it."""
    return _show(request, _sent(request, pk))


@allowed("dashboard.view_senttask")
@require_safe
def task_by_name(request: HttpRequest) -> HttpResponse:
    """Show any task by its full name or its id; one sent from here has a page of its own."""
    text = plain(request.GET.get("name"), 900).strip()
    context: dict[str, Any] = {"title": "A task by its name", "name": text}
    try:
        found = lookup.full_names(text, request.user.has_perm)
    except ValidationError as error:
        context["trouble"] = f"{error.messages[0]} Or a task's id alone." if text else ""
        return page(request, "task_by_name.html", context, status=400 if text else 200)
    if len(found) > 1:
        return page(request, "task_by_name.html", context | {"choices": found})
    if (where := address(found[0])) != f"{reverse('task-by-name')}?{urlencode({'name': text})}":
        if "HX-Request" in request.headers:
            return HttpResponse(status=204, headers={"HX-Redirect": where})
        return redirect(where)
    return _show(request, subject.of_name(text, request.user.has_perm))


@allowed("dashboard.view_senttask")
@require_safe
def task_report(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a task's timeline as Markdown, or give it as a file."""
    return _report(request, _sent(request, pk))


@allowed("dashboard.view_senttask")
@require_safe
def task_by_name_report(request: HttpRequest) -> HttpResponse:
    """The same for any task by its full name."""
    name = plain(request.GET.get("name"), 900)
    try:
        return _report(request, subject.of_name(name, request.user.has_perm))
    except ValidationError:
        return redirect(f"{reverse('task-by-name')}?{urlencode({'name': name})}")


def address(name: str) -> str:
    """Return the path of the page of the task with this full name."""
    rows = SentTask.objects.filter(name=name).exclude(answer=SentTask.Answer.REFUSED)
    if key := rows.values_list("pk", flat=True).first():
        return reverse("task", args=[key])
    return f"{reverse('task-by-name')}?{urlencode({'name': name})}"


def _sent(request: HttpRequest, pk: int) -> Subject:
    sent = get_object_or_404(SentTask.objects.select_related("created_by"), pk=pk)
    return subject.of_sent(sent, request.user.has_perm)


def _show(request: HttpRequest, found: Subject) -> HttpResponse:
    context = _live(found)
    if request.headers.get("HX-Request"):
        return live(request, "_task_live.html", context)
    context["part"] = live_part(request, "_task_live.html", context)
    context |= {
        "title": found.task_id,
        "submission": secrets.token_hex(16),
        "links": console.links(found.queue, found.task_id, found.begun_at, found.now),
    }
    if found.sent:
        draft = found.sent.draft
        context |= {
            "raw": inert.raw(draft.body),
            "raw_is_cut": len(draft.body) > inert.RAW_BYTES,
            "pretty": inert.pretty(draft.body),
            "codes": snippets.all_of(draft),
        }
    return page(request, "task.html", context)


def _live(found: Subject) -> dict[str, Any]:
    """Return what the live part shows."""
    sent, events = found.sent, found.events
    here = reverse("task", args=[sent.pk]) if sent else reverse("task-by-name")
    query = {} if sent else {"name": found.name}
    there = reverse("task-report", args=[sent.pk]) if sent else reverse("task-by-name-report")
    to_come = found.due if found.due and found.due > found.now + found.ahead else None
    return {
        "subject": found,
        "local_acts": found.is_local and (found.attempts or found.ahead or not found.ended),
        "task": sent,
        "trouble": found.trouble,
        "entries": whole_line.of_subject(found),
        "summary": whole_line.summary(found),
        "course": course.of_subject(found),
        "live": (not found.ended or found.is_settling) and not (sent and sent.is_refused),
        "poll": f"{here}?{urlencode({**query, 'seen': ''})}",
        "report": f"{there}?{urlencode(query)}" if query else there,
        "first": events[-2] if len(events) > 1 else None,
        "last": events[-1] if events else None,
        # The same until it has been tried again: pressed twice, it runs once.
        "run_key": _key("run", found.name, found.dispatch_count),
        "twice_key": _key("twice", found.name, len(found.attempts), len(found.events)),
        "forward_to": to_come,
    }


def _key(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _report(request: HttpRequest, found: Subject) -> HttpResponse:
    text = report.markdown(found, may_see_body=request.user.has_perm("receiver.view_body"))
    if request.GET.get("download"):
        named = f'attachment; filename="task-{found.task_id[:80]}.md"'
        headers = {"Content-Disposition": named, "X-Content-Type-Options": "nosniff"}
        return HttpResponse(text, content_type="text/markdown; charset=utf-8", headers=headers)
    context = {"title": "Report", "subject": found, "text": text, "back": address(found.name)}
    if found.sent:
        context["back"] = reverse("task", args=[found.sent.pk])
    return page(request, "task_report.html", context)
