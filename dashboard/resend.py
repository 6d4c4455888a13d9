"""An event's request as a task that brings it again: its exact bytes, under a name of its own."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError

from receiver.models import Event

from . import like
from .drafts import TASK_BYTES, Draft
from .forms import EnqueueForm
from .models import SentTask


def draft(pk: int, may: Callable[[str], bool]) -> tuple[Draft, list[str]]:
    """Return the task and, in words, what of the request cannot be in it.

    Raises like.NoSuch, PermissionDenied where the reader may not see the body, and
    ValidationError with a sentence where no such task can be sent.
    """
    if may("receiver.view_body"):
        _check_size(pk)
    found = like.find(f"event-{pk}", may)
    if found.body is None:
        raise PermissionDenied("Your account lacks the permission receiver.view_body.")
    form = EnqueueForm(found.fields, body=found.body)
    if not form.is_valid() or form.draft is None:
        raise ValidationError(next(iter(form.errors.values()))[0])
    return form.draft, found.left_out


def _check_size(pk: int) -> None:
    """Refuse a body that no task can have before its bytes are read."""
    sizes = Event.objects.filter(pk=pk).values_list("body_size", flat=True)
    if (size := sizes.first() or 0) > TASK_BYTES:
        raise ValidationError(f"{size:,} bytes: a task has 1 MiB at most, with its headers.")


def prepare(pk: int, user: Any, key: str) -> tuple[SentTask, bool]:
    """Commit the row of an event's copy; however often `key` comes, it is one row and one task.

    Raises as `draft` does.
    """
    copy, _ = draft(pk, user.has_perm)
    task_id = hashlib.sha256(f"{key} {pk}".encode()).hexdigest()[:32]
    copy = replace(copy, name=f"{copy.queue}/tasks/{task_id}")
    return SentTask.objects.prepare(copy, f"event {task_id}", random_name=True, by=user)
