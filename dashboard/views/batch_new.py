"""The form of a new batch; sending it makes the dry run, and sends no task."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from .. import acts, batch_new
from ..batch_form import BatchForm
from ..models import Batch
from ..row_check import FIELDS
from . import log_in_again
from .batch_page import MAKES, context, filled
from .frame import allowed, page


@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Show the form, or make the dry run; what comes after the session has ended is not lost."""
    if request.POST and not request.user.is_authenticated:
        return log_in_again.ask(request)
    return _new(request)


@allowed(*MAKES)
@require_http_methods(["GET", "HEAD", "POST"])
def _new(request: HttpRequest) -> HttpResponse:
    """Show the form, or check its rows, store them and show the dry run."""
    if request.method != "POST":
        return page(request, "batch_new.html", context(filled(request)))
    form = BatchForm(request.POST, request.FILES)
    if form.is_valid():
        batch, is_new = batch_new.make(form, request.user)
        if batch and is_new:
            _tell(request, batch)
        if batch:
            return redirect("batch", batch.pk)
    form.carry_file()
    return page(request, "batch_new.html", context(form))


def _tell(request: HttpRequest, batch: Batch) -> None:
    """Write into the log that it was made, and delete those that nobody came back to."""
    queue = batch.queue_id
    text = f"Checked: {batch.good:,} of {batch.total:,} rows can be sent to queue {queue}."
    acts.on_batch(request.user, batch, text, acts.ADDITION)
    for old in Batch.objects.stale().exclude(pk=batch.pk):
        old.delete()


@never_cache
@require_POST
def fill(request: HttpRequest) -> HttpResponse:
    """Show the form, filled from the enqueue form as it is typed; nothing is sent.

    Where the session has ended, the enqueue form is shown as it was typed after logging in.
    """
    if request.POST and not request.user.is_authenticated:
        return log_in_again.ask(request)
    return _fill(request)


@allowed(*MAKES)
def _fill(request: HttpRequest) -> HttpResponse:
    initial = {name: request.POST.get(name, "") for name in (*FIELDS, "zone")}
    return page(request, "batch_new.html", context(BatchForm(initial=initial)))
