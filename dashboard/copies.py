"""Sends a task again as it was: the stored bytes, under a name of its own."""

import secrets
from dataclasses import replace
from typing import Any

from django.utils import timezone

from . import drafts
from .models import SentTask


def prepare(sent: SentTask, user: Any, key: str) -> tuple[SentTask, bool]:
    """Commit a row with the stored bytes of another; raises ValidationError where it may not go.

    A time that has passed is left out. However often `key` comes, it is one row: (row, first).
    """
    draft = sent.draft
    due = draft.schedule_time
    draft = replace(
        draft,
        name=f"{draft.queue}/tasks/{secrets.token_hex(16)}",
        schedule_time=due if due and due > timezone.now() else None,
        audience=drafts.audience_for(draft.url) if draft.account else "",
    )
    key = f"again {sent.pk} {key}"[:64] if key else secrets.token_hex(16)
    return SentTask.objects.prepare(draft, key, random_name=True, by=user)


def in_words(sent: SentTask) -> str:
    """Return what the log says of a copy."""
    return f"Sent again as task {sent.pk} ({sent.task_id}) was."
