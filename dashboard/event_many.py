"""What can be done to many events at once."""

from typing import Any

from django.core.exceptions import ValidationError

from . import acts, event_deletion, resend
from .errors import GatewayError
from .like import NoSuch
from .many import Act, Order


def _again(user: Any, event: Any, key: str) -> None:
    try:
        copy, first = resend.prepare(event.pk, user, key)
    except ValidationError as error:
        raise GatewayError(error.messages[0]) from error
    except NoSuch as error:
        raise GatewayError(str(error)) from error
    if first:
        said = f"Sent again as event {event.pk} was, with many."
        with acts.told(acts.on_task(user, copy, said, acts.ADDITION)):
            copy.send()


def _begin_to_delete(user: Any, order: Order, told: list[str]) -> None:
    which = "the ticked" if order.keys and not order.found else "; ".join(told) or "all"
    acts.on_events(user, f"{order.count:,} events deleted: {which}.", acts.DELETION)


ACTS = {
    "again": Act(
        "Send again",
        "Send many events again",
        "Each request is sent byte by byte as it came, under a new name; headers that Cloud Tasks "
        "sets and masked secrets are left out.",
        "sent again",
        ("receiver.view_body", "dashboard.add_senttask"),
        lambda rows: rows,
        _again,
    ),
    "delete": Act(
        "Delete",
        "Delete many events",
        "They are gone for good, their bodies too; the log keeps that you did it, and by which "
        "filter.",
        "deleted",
        ("receiver.delete_event",),
        lambda rows: rows,
        sweep=event_deletion.delete,
        begin=_begin_to_delete,
        danger=True,
    ),
}
