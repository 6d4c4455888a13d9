"""What can be done to many tasks at once."""

from typing import Any

from django.core.exceptions import ValidationError

from . import acts, copies, gateway
from .errors import Refused
from .many import Act
from .models import SentTask


def _run(user: Any, sent: SentTask, key: str) -> None:
    with acts.told(acts.on_task(user, sent, "Run now, with many.")):
        gateway.run_task(sent.name)


def _cancel(user: Any, sent: SentTask, key: str) -> None:
    with acts.told(acts.on_task(user, sent, "Cancelled, with many.", acts.DELETION)):
        SentTask.objects.cancel(sent.name)


def _again(user: Any, sent: SentTask, key: str) -> None:
    try:
        copy, first = copies.prepare(sent, user, key)
    except ValidationError as error:
        raise Refused(error.messages[0]) from error
    if first:
        with acts.told(acts.on_task(user, copy, copies.in_words(sent), acts.ADDITION)):
            copy.send()


ACTS = {
    "run": Act(
        "Run now",
        "Run many tasks now",
        "Each is dispatched at once, whatever its time and its queue's state or rate. Google takes "
        "60 of these a minute.",
        "run now",
        ("dashboard.change_senttask",),
        lambda rows: rows.unfinished(),
        _run,
    ),
    "cancel": Act(
        "Cancel",
        "Cancel many tasks",
        "Each is deleted from its queue for good. An attempt that is under way goes on to its end.",
        "cancelled",
        ("dashboard.delete_senttask",),
        lambda rows: rows.unfinished(),
        _cancel,
        danger=True,
    ),
    "again": Act(
        "Send again",
        "Send many tasks again",
        "Each is sent byte by byte as it was, under a new name; a time that has passed is left "
        "out, and so are recipes.",
        "sent again",
        ("dashboard.add_senttask",),
        lambda rows: rows,
        _again,
    ),
}
