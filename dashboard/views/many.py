"""The pages of an act on many rows: how many and which, then how far it has come."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from .. import many
from ..many import MOST, Act, Order, Rows
from .frame import need, page, whole


def act_on_many(
    request: HttpRequest,
    acts: Mapping[str, Act],
    rows: Rows,
    told: list[str],
    back: str,
    search: Callable[[], tuple[int, ...]] | None = None,
) -> HttpResponse:
    """Answer a list's POST: ask, with the count; and once that was confirmed, do it.

    `told` is the filter in words, `back` the list's path with its query. The form has `act` and
    either `pk` of the ticked rows or `scope=all`; the pages that follow have `order`. What matches
    is `rows`, or where no query can say it, the keys that `search` returns, MOST + 1 at most.
    """
    if text := request.POST.get("order"):
        order = Order.read(text)
        if order is None or order.act not in acts:
            messages.error(request, "That was asked too long ago. Nothing has been done.")
            return redirect(back)
        need(request, *acts[order.act].permissions)
        return _confirmed(request, order, acts[order.act], rows, told, back)
    act = acts.get(request.POST.get("act", ""))
    if act is None:
        return redirect(back)
    need(request, *act.permissions)
    keys = tuple(key for text in request.POST.getlist("pk") if (key := whole(text)))[:MOST]
    everything = request.POST.get("scope") == "all"
    if not keys and not everything:
        messages.info(request, "Tick the rows that are meant, or choose all that match.")
        return redirect(back)
    if everything:
        keys = search() if search else ()
        if search and not keys:
            messages.info(request, "Nothing matches any more.")
            return redirect(back)
    found = bool(everything and search)
    order = Order(request.POST["act"], request.GET.urlencode(), keys, found)
    return _ask(request, many.counted(order, act, rows), act, rows, told, back)


def _ask(
    request: HttpRequest,
    order: Order,
    act: Act,
    rows: Rows,
    told: list[str],
    back: str,
    was: str = "",
) -> HttpResponse:
    context: dict[str, Any] = {
        "title": act.title,
        "act": act,
        "order": order,
        "signed": order.write(),
        "told": told if order.found or not order.keys else [],
        "first": many.first(order, act, rows),
        "too_many": order.count > act.most or len(order.keys) > MOST,
        "most": MOST if order.keys else act.most,
        "back": back,
        "was": was,
    }
    return page(request, "many.html", context)


def _confirmed(
    request: HttpRequest, order: Order, act: Act, rows: Rows, told: list[str], back: str
) -> HttpResponse:
    if not order.dealt:
        now = many.counted(replace(order, upto=0), act, rows)
        if now.count != order.count or now.count > act.most or len(now.keys) > MOST:
            was = f"It was {order.count:,} when you were asked; now it is {now.count:,}."
            return _ask(request, replace(now, key=order.key), act, rows, told, back, was)
    order, trouble = many.go_on(order, act, rows, request.user, told)
    context = {
        "title": act.title,
        "act": act,
        "order": order,
        "signed": order.write(),
        "trouble": trouble,
        "back": back,
    }
    return page(request, "many_going.html", context)
