"""The form of a new batch; sending it makes the dry run, and sends no task."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from .. import batch_new, drafts, gateway, placeholders, uploads
from ..batch_form import PACES, BatchForm
from ..errors import GatewayError
from ..models import Batch
from ..row_check import FIELDS
from .batches import MAKES
from .frame import allowed, page


@never_cache
@allowed(*MAKES, "dashboard.view_batch")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show the form, or check its rows, store them and show the dry run."""
    if request.method != "POST":
        return page(request, "batch_new.html", _context(_like(request)))
    form = BatchForm(request.POST, request.FILES)
    if form.is_valid() and (batch := batch_new.make(form, request.user)):
        return _made(request, batch)
    return page(request, "batch_new.html", _context(form))


def _made(request: HttpRequest, batch: Batch) -> HttpResponse:
    for old in Batch.objects.stale().exclude(pk=batch.pk):
        old.delete()
    return redirect("batch", batch.pk)


@allowed(*MAKES, "dashboard.view_batch")
@require_POST
def fill(request: HttpRequest) -> HttpResponse:
    """Show the form, filled from the enqueue form as it is typed; nothing is sent."""
    initial = {name: request.POST.get(name, "") for name in (*FIELDS, "zone")}
    return page(request, "batch_new.html", _context(BatchForm(initial=initial)))


def _like(request: HttpRequest) -> BatchForm:
    """Return the form, filled from the batch that `?like=` names."""
    like = request.GET.get("like", "")
    known = (
        Batch.objects.filter(pk=int(like)).first() if like.isdecimal() and len(like) < 18 else None
    )
    if known is None:
        return BatchForm()
    may_see = request.user.has_perm("receiver.view_body")
    fields = known.fields if may_see else known.fields | {"body": ""}
    return BatchForm(initial=fields | {"source": known.source, "count": known.total})


def _context(form: BatchForm) -> dict[str, Any]:
    try:
        queues, trouble = [queue.id for queue in gateway.list_queues()], ""
    except GatewayError as error:
        queues, trouble = [], str(error)
    return {
        "title": "New batch",
        "form": form,
        "queues": queues,
        "trouble": trouble,
        "methods": drafts.METHODS,
        "sources": Batch.Source.choices,
        "paces": [(key, label) for key, (label, _) in PACES.items()],
        "rows_limit": uploads.ROWS,
        "bytes_limit": uploads.BYTES // 2**20,
        "bodies_limit": batch_new.BODIES // 2**20,
        "built_in": placeholders.BUILT_IN,
    }
