"""What the page of a new batch shows: empty, filled, or as it was typed."""

from typing import Any

from django.http import HttpRequest

from .. import batch_new, drafts, gateway, placeholders, uploads
from ..batch_form import PACES, BatchForm
from ..errors import GatewayError
from ..models import Batch
from .frame import whole

MAKES = ("dashboard.view_batch", "dashboard.add_batch", "dashboard.add_senttask")


def as_typed(request: HttpRequest) -> BatchForm:
    """Return the form as it was typed, which is not sent; a file has to be chosen again."""
    names = BatchForm.base_fields
    return BatchForm(initial={name: request.POST[name] for name in names if name in request.POST})


def filled(request: HttpRequest) -> BatchForm:
    """Return the form, filled from the batch that `?like=` names."""
    known = Batch.objects.filter(pk=whole(request.GET.get("like")) or 0).first()
    if known is None:
        return BatchForm()
    may_see = request.user.has_perm("receiver.view_body")
    fields = known.fields if may_see else known.fields | {"body": ""}
    return BatchForm(initial=fields | {"source": known.source, "count": known.total})


def context(form: BatchForm) -> dict[str, Any]:
    """Return what the page of this form needs."""
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
