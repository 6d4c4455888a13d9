"""Batches: the list, one of them live, a slice of it sent, its errors as a file."""

import csv
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from .. import cells, gateway, inert, names, placeholders, uploads
from ..drafts import Draft
from ..errors import GatewayError, NotFound
from ..models import Batch, BatchRow
from ..row_check import RowCheck
from ..sending import send_slice
from .batch_page import MAKES
from .frame import allowed, live, live_part, page, whole

PAGE = 50
SHOWN = 10  # rows of a dry run
ERRORS = 20  # errors on the page; all of them are in the file


@allowed("dashboard.view_batch")
@require_safe
def batches(request: HttpRequest) -> HttpResponse:
    """List the batches, newest first, live."""
    before = whole(request.GET.get("before"))
    found = Batch.objects.light().select_related("created_by")
    rows = list((found.filter(id__lt=before) if before else found)[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    older = f"before={rows[-1].pk}" if more else ""
    here = reverse("batches")
    part = {
        "rows": rows,
        "older": older,
        "before": before,
        "poll": f"{here}?{f'before={before}&' if before else ''}seen=",
        "rows_limit": uploads.ROWS,
    }
    if request.headers.get("HX-Request"):
        return live(request, "_batch_rows.html", part)
    context = {"title": "Batches", "part": live_part(request, "_batch_rows.html", part)}
    return page(request, "batches.html", context)


@allowed("dashboard.view_batch")
@require_safe
def batch(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a batch: what its dry run found, or how far it is. A poll gets that alone."""
    found = get_object_or_404(Batch.objects.select_related("created_by"), pk=pk)
    if request.headers.get("HX-Request"):
        return _live(request, found)
    context = _context(request, found) | {"title": str(found)}
    if found.state == Batch.State.READY:
        context |= _dry_run(request, found)
    return page(request, "batch.html", context)


@require_POST
def slice(request: HttpRequest, pk: int) -> HttpResponse:
    """Send rows for at most two seconds; by a script's call the page goes on with the next.

    After the session has ended the page is loaded anew, and asks to log in.
    """
    if "HX-Request" in request.headers and not request.user.is_authenticated:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return _slice(request, pk)


@allowed(*MAKES)
def _slice(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Batch.objects.select_related("created_by"), pk=pk)
    trouble = send_slice(found) if found.state == Batch.State.SENDING else ""
    if request.headers.get("HX-Request"):
        return _live(request, found, trouble)
    return redirect("batch", pk)


@allowed("dashboard.view_batch")
@require_safe
def errors(request: HttpRequest, pk: int) -> HttpResponse:
    """Return all errors as CSV: row, column, sentence."""
    found = get_object_or_404(Batch.objects.light(), pk=pk)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="batch-{pk}-errors.csv"'
    writer = csv.writer(answer)
    writer.writerow(["row", "column", "error"])
    for row in found.rows.in_error().defer("values"):
        for column, sentence in row.faults or []:
            writer.writerow([row.number, cells.safe(column), cells.safe(sentence)])
    return answer


def _live(request: HttpRequest, found: Batch, trouble: str = "") -> HttpResponse:
    """Answer the part that is live; the page loads anew once the batch is no longer sent."""
    if found.state != request.GET.get("state", found.state):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    context = _context(request, found, trouble)
    return render(request, "dashboard/_batch_live.html", context)


def _context(request: HttpRequest, found: Batch, trouble: str = "") -> dict[str, Any]:
    rows = found.rows.in_error().defer("values")[: ERRORS + 1]
    wrongs = [_said(row) for row in rows]
    return {
        "batch": found,
        "trouble": trouble,
        "may_send": all(request.user.has_perm(name) for name in MAKES),
        "wait": 3000 if trouble else 50,
        "errors": wrongs[:ERRORS],
        "more_errors": len(wrongs) > ERRORS,
        "lost": found.rows.filter(state=BatchRow.State.LOST).count(),
        "seconds_taken": _taken(found),
    }


def _taken(found: Batch) -> float | None:
    end = found.finished_at or timezone.now()
    return (end - found.started_at).total_seconds() if found.started_at else None


def _said(row: BatchRow) -> dict[str, Any]:
    return {"number": row.number, "state": row.state, "faults": row.faults or []}


def _dry_run(request: HttpRequest, found: Batch) -> dict[str, Any]:
    """Return the first rows as they would be sent, and what may not be meant."""
    check = RowCheck(found)
    rows = found.rows.filter(state=BatchRow.State.LEFT).order_by("number")[:SHOWN]
    drafts = [(row.number, *_drafted(check, row)) for row in rows]
    named = sorted({draft.queue for _, draft, _ in drafts if draft})
    used = {name for text in found.fields.values() for name, _ in placeholders.used(text)}
    return {
        "drafts": [
            {"number": number, "draft": draft, "named": named, "body": inert.raw(draft.body)[:2000]}
            for number, draft, named in drafts
            if draft
        ],
        "queues_said": [said for name in named if (said := _about_queue(name))],
        "unused": [name for name in found.columns if name not in used],
        "may_see_body": request.user.has_perm("receiver.view_body"),
    }


def _about_queue(name: str) -> str:
    """Say what keeps a queue from doing its work now, if anything does."""
    try:
        state = gateway.get_queue(name).state
    except NotFound:
        return f"There is no queue {names.short(name)}: its tasks would be refused."
    except GatewayError:  # the page of the batch says so when it is sent
        return ""
    return f"The queue {names.short(name)} is paused: its tasks wait." if state == "PAUSED" else ""


def _drafted(check: RowCheck, row: BatchRow) -> tuple[Draft | None, bool]:
    try:
        draft, random_name = check.draft(row.number, row.values)
    except ValidationError:  # since the dry run; the row will say so when it is to be sent
        return None, False
    return draft, not random_name
