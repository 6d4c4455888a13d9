"""Saved enqueue forms: the list, to use, rename and delete; saving one."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from .. import acts
from ..models import Template
from .enqueue_page import context
from .enqueue_parts import typed_form
from .frame import allowed, page

SHOWN = 200


@allowed("dashboard.view_template")
@require_safe
def templates(request: HttpRequest) -> HttpResponse:
    """List the templates, the last used first."""
    rows = list(Template.objects.recent().select_related("created_by")[: SHOWN + 1])
    more = len(rows) > SHOWN
    return page(
        request, "templates.html", {"title": "Templates", "rows": rows[:SHOWN], "more": more}
    )


@allowed("dashboard.add_senttask", "dashboard.add_template")
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Save the form as a template and show it again as it was; nothing is sent."""
    form = typed_form(request)
    title = request.POST.get("title", "").strip()
    if form.is_valid() and form.draft:
        user: Any = request.user
        template = Template.of(form.draft, title, form.cleaned_data["recipe"], user)
        if not (trouble := _fault(template)):
            template.save()
            acts.on_template(user, template, "Saved from the form.", ADDITION)
            messages.success(request, _saved(template))
            return redirect(f"{reverse('enqueue')}?like=template-{template.pk}")
    else:
        trouble = "Not saved: mend what is marked below."
    return page(request, "enqueue.html", context(request, form) | {"template_error": trouble})


@allowed("dashboard.change_template")
@require_POST
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a template another title."""
    template = get_object_or_404(Template.objects.recent(), pk=pk)
    before, template.title = template.title, request.POST.get("title", "").strip()
    if trouble := _fault(template):
        messages.error(request, f"Not renamed: {trouble}")
    elif before != template.title:
        template.save(update_fields=["title"])
        acts.on_template(request.user, template, f"Renamed from {before}.", CHANGE)
    return redirect("templates")


@allowed("dashboard.delete_template")
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a template; the tasks that were sent from it stay."""
    template = get_object_or_404(Template.objects.recent(), pk=pk)
    acts.on_template(request.user, template, "Deleted.", DELETION)
    template.delete()
    messages.success(request, f"Template {template.title} deleted.")
    return redirect("templates")


def _fault(template: Template) -> str:
    """Return what is wrong with a template's title."""
    others = [field.name for field in Template._meta.fields if field.name != "title"]
    try:
        template.full_clean(exclude=others)
    except ValidationError as error:
        sentence = error.message_dict["title"][0]
        return "A template needs a title." if "blank" in sentence else sentence
    return "" if template.title.isprintable() else "A title has only characters that can be seen."


def _saved(template: Template) -> SafeString:
    return format_html(
        'Saved as template {}. <a href="{}">All templates</a>', template.title, reverse("templates")
    )
