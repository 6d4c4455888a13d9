"""Whether a task's name is free, taken or resting, and names that would do instead.

It asks with GetTask and looks at what was sent from here; nothing is ever created.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from . import gateway, words
from .belongs import RESTS
from .errors import GatewayError, NotFound
from .models import SentTask

MAY_REST = timedelta(hours=24)  # Google promises no name before; about an hour is usual
LENGTH = 500


@dataclass(frozen=True)
class NameState:
    """`state` is free, taken, resting or unknown; `sent` the earlier task, where it was ours."""

    state: str
    sentence: str
    sent: SentTask | None = None


def look(name: str) -> NameState:
    """Say what is known of a task's full name now."""
    earlier = SentTask.objects.light().filter(name=name)
    sent = earlier.exclude(answer=SentTask.Answer.REFUSED).first()
    try:
        gateway.get_task(name)
    except NotFound as error:
        if "existed recently" in str(error):
            return NameState("resting", _resting(sent), sent)
        return _unknown_to_cloud_tasks(sent)
    except GatewayError as error:
        return NameState("unknown", f"Whether this name is free is not known: {error}", sent)
    return NameState("taken", "A task of this name is there now: another would be refused.", sent)


def _unknown_to_cloud_tasks(sent: SentTask | None) -> NameState:
    now = timezone.now()
    if sent and sent.ended_at and now < sent.ended_at + MAY_REST:
        return NameState("free", "Free here. Google may let a name rest for up to 24 hours.", sent)
    return NameState("free", "This name is free.", sent)


def _resting(sent: SentTask | None) -> str:
    begin = "A task of this name has ended; the name rests, so that another would be refused."
    if sent is None or sent.ended_at is None:
        return f"{begin} That lasts for about an hour, at Google for up to 24."
    left = (sent.ended_at + RESTS - timezone.now()).total_seconds()
    if left <= 0:
        return f"{begin} That lasts for up to 24 hours."
    return f"{begin} About {words.duration(max(60, round(left / 60) * 60))} are left."


def offers(task_id: str, body: bytes, now: datetime, *, free: bool) -> list[tuple[str, str]]:
    """Return (label, name) of names to use instead, or of some to begin with.

    A hash of the body makes one task of equal bodies; Google advises names that begin with one.
    """
    digest = hashlib.sha256(body).hexdigest()[:16]
    stem = f"{task_id}-" if task_id else ""
    found = [] if free or not task_id else [("the next", next_one(task_id))]
    found.append(("hash of the body", f"{digest}-{task_id}" if task_id else digest))
    found.append(("with the time", f"{stem}{now:%Y%m%d-%H%M%S}"))
    return [(label, name) for label, name in found if len(name) <= LENGTH]


def next_one(task_id: str) -> str:
    """Return the name with the next number at its end.

    >>> [next_one(name) for name in ("order", "order-2", "order-9", "2026-11-24")]
    ['order-2', 'order-3', 'order-10', '2026-11-25']
    """
    if numbered := re.fullmatch(r"(.*)-([0-9]{1,9})", task_id):
        return f"{numbered[1]}-{int(numbered[2]) + 1:0{len(numbered[2])}d}"
    return f"{task_id}-2"
