"""Who did what on our pages, in the admin's log.

An act is written there before it is done, so that none is missing where the database fails.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import InterfaceError, OperationalError
from django.db.models import Model

from receiver.models import Event, Reply

from . import inert
from .errors import GatewayError
from .models import Batch, Queue, SentTask, Template

__all__ = [
    "ADDITION",
    "CHANGE",
    "DELETION",
    "on_batch",
    "on_events",
    "on_named_task",
    "on_queue",
    "on_reply",
    "on_task",
    "on_template",
    "told",
]


def on_task(user: Any, sent: SentTask, text: str, flag: int = CHANGE) -> LogEntry:
    """Write that this user does something with a task that was sent from here."""
    return _write(user, SentTask, str(sent.pk), sent.task_id, text, flag)


def on_named_task(user: Any, name: str, text: str, flag: int = CHANGE) -> LogEntry:
    """Write that this user does something with a task by its full name, whoever sent it."""
    rows = SentTask.objects.filter(name=name).values_list("pk", "task_id")
    key, shown = rows.first() or (None, name)
    return _write(user, SentTask, None if key is None else str(key), shown, text, flag)


def on_queue(user: Any, name: str, text: str, flag: int = CHANGE) -> LogEntry:
    """Write that this user does something with a queue, by its short name."""
    return _write(user, Queue, name, name, text, flag)


def on_template(user: Any, template: Template, text: str, flag: int = CHANGE) -> LogEntry:
    """Write that this user does something with a saved form."""
    return _write(user, Template, str(template.pk), template.title, text, flag)


def on_batch(user: Any, batch: Batch, text: str, flag: int = CHANGE) -> LogEntry:
    """Write that this user does something with a batch."""
    return _write(user, Batch, str(batch.pk), str(batch), text, flag)


def on_events(user: Any, text: str, flag: int = CHANGE, event: Event | None = None) -> LogEntry:
    """Write that this user does something with an event, or with many."""
    if event is None:
        return _write(user, Event, None, "events", text, flag)
    return _write(user, Event, str(event.pk), inert.visible(str(event)), text, flag)


def on_reply(user: Any, reply: Reply, text: str, flag: int = CHANGE) -> LogEntry:
    """Write that this user does something with a rule that makes the receiver answer otherwise."""
    return _write(user, Reply, str(reply.pk), reply.name, text, flag)


@contextmanager
def told(entry: LogEntry) -> Iterator[None]:
    """Do the act; a GatewayError is added to its entry and goes on."""
    try:
        yield
    except GatewayError as error:
        entry.change_message = f"{entry.change_message} Failed: {error}"
        with suppress(OperationalError, InterfaceError):
            entry.save(update_fields=["change_message"])
        raise


def _write(
    user: Any, model: type[Model], key: str | None, name: str, text: str, flag: int
) -> LogEntry:
    return LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(model),
        object_id=key,
        object_repr=name[:200],
        action_flag=flag,
        change_message=text,
    )
