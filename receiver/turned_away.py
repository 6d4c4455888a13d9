"""Refusals on their way into the database: many of one reason are one write."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from .counts import counts
from .labels import labels
from .models import Refusal
from .refusals import ANSWERS, Reason, Refused

log = logging.getLogger("receiver.refusals")


@dataclass
class _Noted:
    number: int = 0
    claims: dict[str, str] | None = None


class TurnedAway:
    """Counts by reason, and what the last one claimed; safe to use from many threads."""

    def __init__(self) -> None:
        self._noted: dict[Reason, _Noted] = {}
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._noted)

    def note(self, environ: Mapping[str, Any], refused: Refused) -> None:
        """Count one refusal, not saved."""
        claimed = labels(environ)
        with self._lock:
            noted = self._noted.setdefault(refused.reason, _Noted())
            noted.number += 1
            noted.claims = {
                "queue": claimed.queue,
                "task": claimed.task,
                "account": refused.account,
                "audience": refused.audience,
            }

    def save(self) -> None:
        """Save what was noted and log the first of its kind in a minute; never raises."""
        with self._lock:
            noted, self._noted = self._noted, {}
        for reason, one in noted.items():
            counts.refused[reason.value] += one.number
        try:
            with transaction.atomic():
                first = [
                    reason
                    for reason, one in noted.items()
                    if Refusal.objects.count_more(reason, one.number, **(one.claims or {}))
                ]
        except Exception as error:
            log.warning("Could not count refusals: %s.", type(error).__name__)
            return
        for reason in first:
            status, sentence = ANSWERS[reason]
            claims = noted[reason].claims or {}  # nothing of the token goes to the log
            fields = {"reason": reason.value, "status": status}
            fields |= {f"claimed_{name}": claims.get(name, "") for name in ("queue", "task")}
            log.warning("Refused a request: %s", sentence, extra={"fields": fields})
