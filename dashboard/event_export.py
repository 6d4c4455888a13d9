"""Events as files, however many: streamed by key, a chunk in memory at a time."""

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import orjson
from django.db.models import Func, TextField
from django.db.models.functions import Cast

from receiver.models import Event

from . import cells, event_pages
from .event_filters import Filters

CHUNK = 1000
COLUMNS = (
    *("id", "received_at", "source", "queue", "task", "retry_count", "execution_count", "eta"),
    *("previous_response", "retry_reason", "method", "path", "query", "content_type", "status"),
    *("outcome", "took_us", "reply_name", "trace", "caller_account", "caller_audience"),
    *("caller_check", "headers", "body_size"),
)
_QUOTED = re.compile(r'[",\r\n]')
_ODD = re.compile(rf'[",\r\n\0]|\A *[{re.escape(cells.FORMULA)}]')  # nearly no cell
Row = tuple[Any, ...]


class Iso(Func):
    """An instant as Python's isoformat() writes it in UTC."""

    output_field = TextField()
    arity = 1

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = "replace(%(expressions)s, ' ', 'T') || '+00:00'"
        return self.as_sql(compiler, connection, template=template, **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        form = 'YYYY-MM-DD"T"HH24:MI:SS.US'
        text = f"to_char(%(expressions)s AT TIME ZONE 'UTC', '{form}')"
        template = f"replace({text}, '.000000', '') || '+00:00'"
        return self.as_sql(compiler, connection, template=template, **extra)


# As text: to read and write the headers and instants of each row takes as long as all the rest.
_AS_TEXT = {
    "headers": Cast("headers", TextField()),
    "received_at": Iso("received_at"),
    "eta": Iso("eta"),
}


def to_csv(filters: Filters, with_body: bool) -> Iterator[bytes]:
    """Yield a table with a heading: bodies as text, what is not UTF-8 as `\\xNN`.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    columns = (*COLUMNS, "body") if with_body else COLUMNS
    yield _table([columns])
    for rows in chunks(filters, columns):
        yield _table(rows)


def to_ndjson(filters: Filters, with_body: bool) -> Iterator[bytes]:
    """Yield an object a line, exact: a body that is not UTF-8 is `body_base64`."""
    columns = (*COLUMNS, "body") if with_body else COLUMNS
    for rows in chunks(filters, columns):
        yield b"".join(
            [orjson.dumps(_object(columns, row), option=orjson.OPT_APPEND_NEWLINE) for row in rows]
        )


def chunks(filters: Filters, columns: Iterable[str]) -> Iterator[list[Row]]:
    """Yield the rows of everything that matches, the newest first, by a thousand at most."""
    span = filters.span()
    fields = [_AS_TEXT.get(one, one) for one in columns]
    by_key = not filters.words and not filters.narrowed.scans
    while True:
        if by_key:  # rows at once, without their ids first
            found = filters.narrowed.events.filter(pk__gt=span.above, pk__lt=span.below)
            rows = list(found.order_by("-pk").values_list(*fields)[:CHUNK])
            border = rows[-1][0] if len(rows) == CHUNK else None
        else:
            page = event_pages.find(filters.narrowed, filters.words, span, CHUNK)
            found, border = Event.objects.filter(pk__in=page.ids), page.border
            rows = list(found.order_by("-pk").values_list(*fields))
        if rows:
            yield rows
        if border is None:
            return
        span = replace(span, below=border)


def _table(rows: Iterable[Iterable[Any]]) -> bytes:
    """Write rows as RFC 4180 has them: csv.writer looks at each sign of a body by itself, which
    takes three times as long as all the rest. Most cells of a column are alike: each is made once.
    """
    columns = []
    for column in zip(*rows, strict=True):
        made = {value: _cell(value) for value in set(column)}
        columns.append([made[value] for value in column])
    return "".join([",".join(row) + "\r\n" for row in zip(*columns, strict=True)]).encode()


def _cell(value: Any) -> str:
    kind = type(value)  # of 25 cells in a row most are texts and numbers: they are asked first
    if kind is not str:
        if kind is int:
            return str(value)
        if value is None:
            return ""
        value = bytes(value).decode("utf-8", "backslashreplace")
    return _text(value) if _ODD.search(value) else str(value)


def _text(value: str) -> str:
    value = value.replace("\0", r"\x00")
    if cells.is_formula(value):
        value = f"'{value}"
    return '"' + value.replace('"', '""') + '"' if _QUOTED.search(value) else value


def _object(columns: Iterable[str], row: Row) -> dict[str, Any]:
    found = dict(zip(columns, row, strict=True))
    found["headers"] = orjson.Fragment(found["headers"])
    if "body" in found:
        body = bytes(found.pop("body"))
        try:
            found["body"] = body.decode()
        except UnicodeDecodeError:
            found["body_base64"] = base64.b64encode(body).decode()
    return found


FORMATS: dict[str, tuple[str, Callable[[Filters, bool], Iterator[bytes]]]] = {
    "csv": ("text/csv; charset=utf-8", to_csv),
    "ndjson": ("application/x-ndjson", to_ndjson),
}
