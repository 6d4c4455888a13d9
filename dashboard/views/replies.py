"""The rules that make the receiver answer otherwise: look, add, edit, switch, delete."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from receiver.models import RECIPES, Reply

from .. import acts
from ..reply_forms import ReplyForm
from .frame import allowed, live, live_part, page, whole

SHOWN = 100


@allowed("receiver.view_reply")
@require_safe
def replies(request: HttpRequest) -> HttpResponse:
    """List the rules that may answer now, in the order in which they are asked; then the others."""
    now = timezone.now()
    active = list(Reply.objects.active(now)[: SHOWN + 1])
    context: dict[str, Any] = {
        "active": [_row(reply, now) for reply in active[:SHOWN]],
        "more": len(active) > SHOWN,
        "most": SHOWN,
        "may_answer": settings.REPLIES,
    }
    if request.headers.get("HX-Request"):
        return live(request, "_replies_active.html", context)
    part = live_part(request, "_replies_active.html", context)
    resting, older = _resting(request, now)
    context |= {"title": "Replies", "part": part, "resting": resting, "older": older}
    context |= {"recipes": _recipes(), "before": "before" in request.GET, "page_size": SHOWN}
    return page(request, "replies.html", context)


def _resting(request: HttpRequest, now: Any) -> tuple[list[dict[str, Any]], str]:
    used_up = Q(times__isnull=False, hits__gte=F("times"))
    found = Reply.objects.filter(Q(enabled=False) | Q(until__lte=now) | used_up).order_by("-id")
    if before := whole(request.GET.get("before")):
        found = found.filter(pk__lt=before)
    rows = list(found[: SHOWN + 1])
    older = f"before={rows[SHOWN - 1].pk}" if len(rows) > SHOWN else ""
    return [_row(reply, now) for reply in rows[:SHOWN]], older


def _row(reply: Reply, now: Any) -> dict[str, Any]:
    return {"reply": reply, "state": reply.state(now), "key": secrets.token_hex(16)}


def _recipes() -> list[tuple[str, str]]:
    return [(key, recipe.name) for key, recipe in RECIPES.items()]


@allowed("receiver.view_reply", "receiver.add_reply")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Add a rule, begun with a recipe where the address names one: `?recipe=always-500`."""
    recipe = request.GET.get("recipe", "")
    begun = Reply.objects.from_recipe(recipe) if recipe in RECIPES else Reply()
    form = ReplyForm(request.POST or None, instance=begun)
    if request.method == "POST" and form.is_valid():
        reply = form.save()
        acts.on_reply(request.user, reply, f"Added: {_said(reply)}", acts.ADDITION)
        messages.success(request, f"Reply {reply.name} added.")
        return redirect("replies")
    context = {"title": "New reply", "form": form, "submit": "Add the reply"}
    return page(request, "reply_form.html", context | {"recipes": _recipes(), "recipe": recipe})


@allowed("receiver.view_reply", "receiver.change_reply")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a rule; its hits are left as they are, deliveries count them meanwhile."""
    reply = get_object_or_404(Reply, pk=pk)
    name = reply.name
    form = ReplyForm(request.POST or None, instance=reply)
    if request.method == "POST" and form.is_valid():
        if form.changed_data:
            form.instance.save(update_fields=form.changed_data)
            acts.on_reply(request.user, reply, f"Changed {', '.join(form.changed_data)}.")
        messages.success(request, f"Reply {reply.name} saved.")
        return redirect("replies")
    context = {"title": name, "reply": get_object_or_404(Reply, pk=pk), "form": form}
    return page(request, "reply_form.html", context | {"submit": "Save"})


@allowed("receiver.view_reply", "receiver.change_reply")
@require_POST
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a rule on or off, as the button said."""
    reply = get_object_or_404(Reply, pk=pk)
    reply.enabled = request.POST.get("to") == "on"
    reply.save(update_fields=["enabled"])
    word = "on" if reply.enabled else "off"
    acts.on_reply(request.user, reply, f"Switched {word}.")
    if reply.enabled and reply.state(timezone.now()) != "on":
        messages.warning(
            request, f"{reply.name} is on, but answers nothing: {reply.state(timezone.now())}."
        )
    else:
        messages.success(request, f"{reply.name} is {word}.")
    return redirect("replies")


@allowed("receiver.view_reply", "receiver.change_reply")
@require_POST
def recount(request: HttpRequest, pk: int) -> HttpResponse:
    """Set a rule's hits to none, so that one that was used up answers again."""
    reply = get_object_or_404(Reply, pk=pk)
    reply.hits, reply.last_hit_at = 0, None
    reply.save(update_fields=["hits", "last_hit_at"])
    acts.on_reply(request.user, reply, "Hits counted anew.")
    messages.success(request, f"The hits of {reply.name} are counted anew.")
    return redirect("replies")


@allowed("receiver.view_reply", "receiver.delete_reply")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then delete a rule; the events that it answered keep its name."""
    reply = get_object_or_404(Reply, pk=pk)
    if request.method != "POST":
        return page(request, "reply_delete.html", {"title": f"Delete {reply.name}", "reply": reply})
    acts.on_reply(request.user, reply, f"Deleted: {_said(reply)}", acts.DELETION)
    reply.delete()
    messages.success(request, f"Reply {reply.name} deleted.")
    return redirect("replies")


def _said(reply: Reply) -> str:
    return f"{reply.answer} for {reply.meant_for}."
