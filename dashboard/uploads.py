"""Reads the rows of a batch from CSV or JSONL; a whole file that is no use is a ValidationError."""

import codecs
import csv
import io
import json
import re
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.core.files import File

from . import drafts, jsonl

ROWS = 10_000
BYTES = 8 * 2**20
CARRIED = 2**20  # bytes of a file that come back as text with a form that could not be taken
DELIMITERS = ",;\t|"
# One field may hold the body of the largest task.
csv.field_size_limit(drafts.TASK_BYTES)


@dataclass
class Upload:
    """`rows` are (values as a BatchRow keeps them, [[column, sentence], ...])."""

    columns: list[str] = field(default_factory=list)
    rows: list[tuple[str, list[list[str]]]] = field(default_factory=list)

    def add(self, values: str, *faults: list[str]) -> None:
        if len(self.rows) >= ROWS:
            raise ValidationError(f"More than {ROWS:,} rows, which is the most of one batch.")
        self.rows.append((values, list(faults)))


def copies(count: int) -> Upload:
    """Return rows that say nothing of their own."""
    return Upload(rows=[("", []) for _ in range(count)])


def read(kind: str, data: bytes) -> Upload:
    """Return the rows of a file of this kind, `csv` or `jsonl`; empty lines are no rows."""
    if len(data) > BYTES:
        raise ValidationError(f"{len(data):,} bytes; an upload may have {BYTES:,}.")
    text = _text(data)
    upload = _csv(text) if kind == "csv" else _jsonl(text)
    if not upload.rows:
        raise ValidationError("There is no row in it.")
    return upload


def as_text(file: File | None) -> str:
    """Return a small file's text, which a form can carry on; nothing where it is none."""
    if file is None or file.size > CARRIED:
        return ""
    file.seek(0)
    try:
        return str(file.read().decode("utf-8-sig"))
    except UnicodeDecodeError:
        return ""


def _text(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValidationError("UTF-16, as Excel's Unicode Text has it. Save it as CSV UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValidationError(
            f"Not UTF-8: byte 0x{data[error.start]:02x} in line {line:,}. Save it as UTF-8."
        ) from error


def _jsonl(text: str) -> Upload:
    upload = Upload()
    # Not splitlines: JSON strings may hold the other line separators of Unicode.
    for line in text.split("\n"):
        if not line.strip():
            continue
        try:
            jsonl.fields_of(line)
        except ValidationError as error:
            upload.add("", [error.error_list[0].code or "", error.messages[0]])
        else:
            upload.add(line.strip())
    return upload


def _csv(text: str) -> Upload:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        upload = Upload(columns=_columns(next(reader, [])))
        for fields in reader:
            if fields:
                upload.add(*_row(fields, len(upload.columns)))
    except csv.Error as error:
        raise ValidationError(f"Not CSV, in line {reader.line_num:,}: {error}.") from error
    return upload


def _row(fields: list[str], wanted: int) -> tuple[str, *tuple[list[str], ...]]:
    if len(fields) != wanted:
        return "", ["", f"Fields: {len(fields)}; columns in the first line: {wanted}."]
    return (json.dumps(fields),)


def _delimiter(text: str) -> str:
    """Return what separates the columns' names in the first line; Excel has its own mind there."""
    first = re.sub(r'"[^"]*"', "", text.lstrip().split("\n", 1)[0])
    return max(DELIMITERS, key=first.count)


def _columns(names: list[str]) -> list[str]:
    names = [name.strip() for name in names]
    if not any(names):
        raise ValidationError("The first line names the columns; it is empty.")
    for name in names:
        if not name:
            raise ValidationError(f"Column {names.index(name) + 1} has no name in the first line.")
        if names.count(name) > 1:
            raise ValidationError(f"Two columns are called {name}.")
        if set(name) & set("{}|") or not name.isprintable():
            raise ValidationError(
                f"{name!r}: a column's name has no braces, no | and no hidden characters."
            )
    return names
