"""What only a local Cloud Tasks does to a queue: its time ahead, deliveries in the wrong order."""

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from .. import acts, local
from .doing import do_once
from .frame import allowed
from .queues import full_name, go_to


@allowed("dashboard.change_senttask")
@require_POST
def forward(request: HttpRequest, name: str) -> HttpResponse:
    """Turn a local Cloud Tasks' clock ahead, to the next task that is due, or back."""
    full_name(name)
    by = request.POST.get("by", "")
    if by not in local.STEPS:
        text, act = "Local clock set back to the real time.", local.real_time
        done = "The local clock is back at the real time."
    else:
        text = f"Local clock turned ahead: {local.STEPS[by]}."
        act = local.to_next if by == local.NEXT else partial(local.advance, int(by))
        done = "The local clock is turned: what is due by then goes out."
    do_once(request, lambda: acts.on_queue(request.user, name, text), act, done)
    return go_to(request, name)


@allowed("dashboard.change_senttask")
@require_POST
def deliver(request: HttpRequest, name: str) -> HttpResponse:
    """Let a local Cloud Tasks deliver what is due in the wrong order, or more than once."""
    queue = full_name(name)
    order = "random" if request.POST.get("order") == "random" else "reverse"
    twice = bool(request.POST.get("twice"))
    text = f"Delivered what is due, {local.ORDERS[order]}{', each twice' if twice else ''}."
    do_once(
        request,
        lambda: acts.on_queue(request.user, name, text),
        lambda: _deliver(queue, order, twice=twice),
        "",
    )
    return go_to(request, name)


def _deliver(queue: str, order: str, *, twice: bool) -> str:
    """Do it, and return what was done."""
    names = local.deliver_due(queue, order)
    if not names:
        return "Nothing was due, so nothing was delivered. Pause the queue to collect tasks first."
    for name in names if twice else ():
        local.deliver_twice(name)
    tasks = f"{len(names):,} task{'s' if len(names) > 1 else ''}"
    return f"Delivered {tasks}, {local.ORDERS[order]}{' and each twice' if twice else ''}."
