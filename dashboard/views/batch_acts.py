"""What is done with a batch: sending, stopping, going on, trying again, giving up, deleting.

Each press changes what it says once: a second one finds it done.
"""

from django.contrib import messages
from django.contrib.admin.models import DELETION
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from .. import acts
from ..models import Batch
from .batch_page import MAKES
from .frame import allowed, page


@allowed(*MAKES)
@require_POST
def send(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a checked batch be sent."""
    batch = get_object_or_404(Batch, pk=pk)
    if batch.state == Batch.State.READY:
        acts.on_batch(request.user, batch, f"Sending of {batch.good:,} tasks begun.")
        batch.start()
    return redirect("batch", pk)


@allowed(*MAKES)
@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Take no more rows; what is on its way arrives."""
    batch = get_object_or_404(Batch, pk=pk)
    if batch.stop():
        acts.on_batch(request.user, batch, f"Stopped, {batch.left:,} left.")
    return redirect("batch", pk)


@allowed(*MAKES)
@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with what is left."""
    batch = get_object_or_404(Batch, pk=pk)
    if batch.state == Batch.State.STOPPED:
        acts.on_batch(request.user, batch, f"Resumed, {batch.left:,} left.")
        batch.resume()
    return redirect("batch", pk)


@allowed(*MAKES)
@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the rows that failed once more; those that are unclear only where that is asked for."""
    batch = get_object_or_404(Batch, pk=pk)
    what = "unclear" if request.POST.get("what") == "unclear" else "failed"
    if getattr(batch, what):
        acts.on_batch(
            request.user, batch, f"{getattr(batch, what):,} {what} rows to be sent again."
        )
        batch.retry(what)
    return redirect("batch", pk)


@allowed(*MAKES)
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Give up what is left of a batch that was stopped, once that was asked."""
    batch = get_object_or_404(Batch, pk=pk)
    if batch.state != Batch.State.STOPPED:
        return redirect("batch", pk)
    if request.method != "POST":
        text = f"{batch.left:,} rows have not been sent. They never will be: this cannot be undone."
        return _sure(request, batch, "Give up what is left", text, "them")
    entry = acts.on_batch(request.user, batch, "What was left is given up.")
    count = batch.cancel()
    entry.change_message = f"{count:,} rows that were left are given up."
    entry.save(update_fields=["change_message"])
    if batch.left:
        messages.warning(
            request, f"{batch.left:,} may have been sent already: resume, to ask about them."
        )
    return redirect("batch", pk)


@allowed("dashboard.view_batch", "dashboard.delete_batch")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a batch and its rows, once that was asked; the tasks that were sent stay."""
    batch = get_object_or_404(Batch, pk=pk)
    if not batch.may_be_deleted:
        messages.error(request, "Stop the batch before you delete it.")
        return redirect("batch", pk)
    if request.method != "POST":
        text = f"Its {batch.total:,} rows and what was wrong with them are deleted for good."
        text += f" The {batch.sent:,} tasks that were sent stay." if batch.sent else ""
        text += f" {batch.left:,} rows have not been sent, and never will be." if batch.left else ""
        return _sure(request, batch, "Delete the batch", text, "it")
    acts.on_batch(request.user, batch, f"Deleted; {batch.sent:,} tasks had been sent.", DELETION)
    batch.delete()
    messages.success(request, f"Batch {pk} deleted. The tasks that were sent stay.")
    return redirect("batches")


def _sure(request: HttpRequest, batch: Batch, what: str, text: str, keep: str) -> HttpResponse:
    context = {"title": what, "batch": batch, "text": text, "button": what, "keep": keep}
    return page(request, "batch_sure.html", context)
