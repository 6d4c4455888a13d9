"""Makes a batch of a checked form: every row is tried first, and stored with what is wrong."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from . import inert, jsonl, placeholders
from .batch_form import BatchForm
from .drafts import Draft
from .models import Batch, BatchRow
from .models.batch import READING
from .row_check import RowCheck

# Each task is kept with its own bytes: copies of a large body would fill the disk.
BODIES = 64 * 2**20


def make(form: BatchForm, user: Any) -> tuple[Batch | None, bool]:
    """Store the batch that the form says, and say whether it is new: it may come more than once.

    Without a batch the form says why.
    What was stored of an earlier dry run of the same form is replaced.
    """
    key = form.cleaned_data["submission"]
    if earlier := Batch.objects.filter(submission=key).first():
        if earlier.digest == form.digest and _is_whole(earlier):
            return earlier, False
        if earlier.state not in Batch.UNSENT or not earlier.may_be_deleted:
            form.renew()
            form.add_error(
                None,
                f"This form has been used for batch {earlier.pk} already. Press "
                "Check once more to make another of what it says now.",
            )
            return None, False
    batch = _batch(form, user)
    rows = _rows(batch, form)
    if form.errors:
        return None, False
    if earlier:
        earlier.delete()
    try:
        with transaction.atomic():
            batch.save()
    except IntegrityError:  # the same form, pressed twice at once
        return Batch.objects.get(submission=key), False
    for row in rows:
        row.batch = batch
    BatchRow.objects.add(rows)
    batch.move((Batch.State.READING,), Batch.State.READY)
    return batch, True


def _is_whole(batch: Batch) -> bool:
    """Say whether all rows have been stored, or still can be by who began it."""
    young = timezone.now() - batch.created_at < READING
    return batch.state != Batch.State.READING or young


def _batch(form: BatchForm, user: Any) -> Batch:
    data = form.cleaned_data
    return Batch(
        submission=data["submission"],
        digest=form.digest,
        source=data["source"],
        fields=form.template,
        columns=form.upload.columns,
        zone=data["zone"],
        queue=form.queue_shown(),
        every=form.seconds,
        created_by=user,
    )


def _rows(batch: Batch, form: BatchForm) -> list[BatchRow]:
    """Return the rows, each tried; where all fail for what they share, the form says it."""
    check, rows, bodies = RowCheck(batch), [], 0
    seen: dict[str, int] = {}
    for number, (values, faults) in enumerate(form.upload.rows, start=1):
        row = BatchRow(number=number, values=values, faults=faults or None)
        if not faults:
            draft, row.faults = _try(check, row, seen)
            bodies += len(draft.body) if draft else 0
        if row.faults:
            row.state = BatchRow.State.WRONG
        rows.append(row)
        if bodies > BODIES:
            form.add_error(
                "body",
                f"By row {number:,} the bodies are more than "
                f"{BODIES // 2**20} MiB altogether, the most of one batch.",
            )
            return []
    batch.total = len(rows)
    batch.wrong = sum(1 for row in rows if row.faults)
    if batch.wrong == batch.total:
        _blame(form, rows[0])
    return rows


def _try(
    check: RowCheck, row: BatchRow, seen: dict[str, int]
) -> tuple[Draft | None, list[list[str]] | None]:
    try:
        draft, random_name = check.draft(row.number, row.values)
    except ValidationError as error:
        said = error.message_dict.items()
        return None, [[field, inert.visible(texts[0])] for field, texts in said]
    first = row.number if random_name else seen.setdefault(draft.name, row.number)
    if first != row.number:
        return None, [["name", f"Row {first:,} has this name already, and a name is used once."]]
    return draft, None


def _blame(form: BatchForm, row: BatchRow) -> None:
    """Say at the form's fields what no row can mend: they are the same in all."""
    own = jsonl.values(row.values) if row.values and form.cleaned_data["source"] == "jsonl" else {}
    for field, sentence in row.faults or []:
        typed = form.cleaned_data.get(field)
        if typed is not None and field not in own and not placeholders.used(typed):
            form.add_error(field, sentence)
