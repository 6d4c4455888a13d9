"""The form sent after the session had ended: log in, and it is as it was. Nothing of it is kept.

What was typed travels in hidden fields: a session for it would let strangers fill the disk.
"""

from typing import Any

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from .. import uploads
from ..batch_form import BatchForm
from ..forms import EnqueueForm
from ..log_in import LogInForm
from . import batch_page
from .enqueue_page import context
from .enqueue_parts import typed_form
from .frame import allowed, page


def ask(request: HttpRequest, form: LogInForm | None = None) -> HttpResponse:
    """Show a log-in form that carries what was typed."""
    names = {**EnqueueForm.base_fields, **BatchForm.base_fields}
    typed = {name: request.POST.get(name) for name in names}
    if text := uploads.as_text(request.FILES.get("file")):
        typed["pasted"] = typed["pasted"] or text
    context: dict[str, Any] = {
        "title": "Log in again",
        "log_in": form or LogInForm(request),
        "typed": [(name, value) for name, value in typed.items() if value is not None],
    }
    return page(request, "log_in_again.html", context)


@sensitive_post_parameters()
@never_cache
@require_POST
def log_in_again(request: HttpRequest) -> HttpResponse:
    """Log in and show the form as it was typed; it has not been sent."""
    form = LogInForm(request, data=request.POST)
    if not form.is_valid():
        return ask(request, form)
    user: Any = form.get_user()
    login(request, user)
    # Only the form of a batch says where its rows come from.
    return _batch_as_it_was(request) if "source" in request.POST else _as_it_was(request)


@allowed(*batch_page.MAKES)
def _batch_as_it_was(request: HttpRequest) -> HttpResponse:
    context = batch_page.context(batch_page.as_typed(request)) | {"logged_in_again": True}
    return page(request, "batch_new.html", context)


@allowed("dashboard.add_senttask")
def _as_it_was(request: HttpRequest) -> HttpResponse:
    sent = typed_form(request)
    form = EnqueueForm(
        initial={name: sent.data[name] for name in sent.fields if name in sent.data},
        kept=sent.kept,
        no_recipe=sent.no_recipe,
    )
    return page(request, "enqueue.html", context(request, form) | {"logged_in_again": True})
