"""Makes the task of each row of a batch, by the enqueue form's own rules."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from . import drafts, jsonl, names, placeholders, rules
from .drafts import Draft
from .models import Batch

FIELDS = ("queue", "method", "url", "headers", "body", "schedule_time", "name", "account")
ALIKE = 256  # values of a field that are remembered: most rows say the same


class RowCheck:
    """Makes drafts of the rows of one batch; rows that say the same cost little.

    Times are held against `now`, the moment of the dry run, also when they are sent later.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch, self.now = batch, batch.created_at
        self._rules: dict[str, Callable[[str], Any]] = {
            "queue": lru_cache(ALIKE)(names.queue_name),
            "method": lru_cache(ALIKE)(drafts.clean_method),
            "url": lru_cache(ALIKE)(rules.clean_url),
            "headers": lru_cache(ALIKE)(rules.clean_headers),
            "body": str.encode,
            "schedule_time": lru_cache(ALIKE)(self._schedule),
            "name": rules.clean_task_id,
            "account": lru_cache(ALIKE)(rules.clean_account),
        }

    def draft(self, number: int, values: str) -> tuple[Draft, bool]:
        """Return the row's task, and whether we made its name.

        Raises ValidationError with a dict of sentences by field.
        """
        filled = self._filled(number, values)
        cleaned: dict[str, Any] = {}
        faults: dict[str, str] = {}
        for field in FIELDS:
            cleaned[field] = self._try(faults, field, self._rules[field], filled[field])
        if faults:
            raise ValidationError(faults)
        name = cleaned.pop("name")
        return self._draft(number, name or self.batch.key(number), cleaned), not name

    def _draft(self, number: int, task_id: str, cleaned: dict[str, Any]) -> Draft:
        cleaned["schedule_time"] = self.batch.row_time(number, cleaned["schedule_time"])
        faults: dict[str, str] = {}
        check = self._try
        check(faults, "body", drafts.check_body, cleaned["method"], cleaned["body"])
        audience = ""
        if cleaned["account"]:
            found = check(faults, "account", drafts.audience_for, cleaned["url"])
            audience = found or ""
        draft = Draft(name=f"{cleaned['queue']}/tasks/{task_id}", audience=audience, **cleaned)
        check(faults, "body", drafts.check_size, draft)
        if faults := drafts.receiver_faults(draft) | faults:
            raise ValidationError(faults)
        return draft

    def _filled(self, number: int, values: str) -> dict[str, str]:
        """Return what each field says in this row."""
        batch, own = self.batch, {}
        known = {"n": str(number), "uuid": batch.uuid(number), "time": _stamp()}
        if batch.source == Batch.Source.CSV:
            known |= dict(zip(batch.columns, json.loads(values), strict=True))
        elif batch.source == Batch.Source.JSONL:
            own = jsonl.fields_of(values)
        filled = {
            field: own[field] if field in own else placeholders.fill(batch.fields[field], known)
            for field in FIELDS
        }
        if "url" in own and "account" not in own and not drafts.under_receiver(own["url"]):
            filled["account"] = ""  # as with the form: a token goes only where one is asked for
        return filled

    def _schedule(self, text: str) -> datetime | None:
        return rules.clean_schedule(text, self.batch.zone, self.now)

    @staticmethod
    def _try(faults: dict[str, str], field: str, rule: Callable[..., Any], *values: Any) -> Any:
        try:
            return rule(*values)
        except ValidationError as error:
            faults[field] = error.messages[0]
        except UnicodeEncodeError:
            faults[field] = "Half a surrogate pair: not text that can be sent."
        return None


def _stamp() -> str:
    return timezone.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
