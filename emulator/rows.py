"""Rows of the hot path: many objects of one model stored by one statement, written once.

Django's own bulk methods compose their SQL anew each time, which costs many times what the database
needs to run it; and on the committer's thread every statement is a turn of the GIL.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property, lru_cache, partial
from operator import attrgetter
from typing import Any

from django.db import connections, models
from django.db.models import Model

from .prepared import alias_of, fetched

LARGEST_PART = 32
# Types whose Python values every driver takes; a foreign key is a number here.
_AS_THEY_ARE = (
    models.CharField,
    models.TextField,
    models.IntegerField,
    models.FloatField,
    models.BooleanField,
    models.BinaryField,
    models.ForeignKey,
)
# Most of their values in one transaction are the same.
_REPEATED = (models.DateTimeField, models.DurationField)


class _Statement:
    """What an INSERT and an UPDATE of many rows have in common."""

    def __init__(self, model: type[Model], names: Sequence[str]) -> None:
        self._meta = model._meta
        self._model = model
        self._names = names
        self._texts: dict[int, str] = {}  # by the number of rows

    def _run(self, instances: Sequence[Any]) -> Iterator[tuple[Sequence[Any], list[int]]]:
        """Yield parts of the instances, each with the keys that the database returned for it."""
        connection = connections[alias_of(self._model)]
        for part in parts(instances):
            values = []
            for each in part:
                row = list(self._read(each))
                for at, store in self._stores:
                    row[at] = store(row[at])
                values += row
            yield part, [key for (key,) in fetched(connection, self._text(len(part)), values)]

    def _text(self, count: int) -> str:
        if count not in self._texts:
            row = f"({', '.join(['%s'] * len(self._names))})"
            self._texts[count] = self._compose(", ".join([row] * count))
        return self._texts[count]

    def _compose(self, rows: str) -> str:
        raise NotImplementedError

    @cached_property
    def _read(self) -> Callable[[Any], tuple[Any, ...]]:
        fields = [self._field(name) for name in self._names]
        return attrgetter(*("pk" if each.primary_key else each.attname for each in fields))

    @cached_property
    def _stores(self) -> list[tuple[int, Callable[[Any], Any]]]:
        """Return what turns a value into the driver's, by its place in the row, where it must."""
        connection = connections[alias_of(self._model)]
        fields = [(at, self._field(name)) for at, name in enumerate(self._names)]
        return [(at, _storer(each, connection)) for at, each in fields if not _as_it_is(each)]

    def _field(self, name: str) -> Any:
        return self._meta.pk if name == "pk" else self._meta.get_field(name)

    def _column(self, name: str) -> str:
        return _quoted(self._model, self._field(name).column)

    @property
    def _table(self) -> str:
        return _quoted(self._model, self._meta.db_table)


class Insert(_Statement):
    """INSERT of rows of one model, which get their primary keys."""

    def __init__(self, model: type[Model]) -> None:
        super().__init__(model, [f.name for f in model._meta.concrete_fields if not f.primary_key])

    def __call__(self, instances: Sequence[Any]) -> None:
        """Store them; each has every column as an attribute."""
        for part, keys in self._run(instances):
            # In the order of the rows, as Django's own bulk_create relies on, too.
            for instance, key in zip(part, keys, strict=True):
                instance.pk = key

    def _compose(self, rows: str) -> str:
        columns = ", ".join(self._column(name) for name in self._names)
        return f"INSERT INTO {self._table} ({columns}) VALUES {rows} RETURNING {self._column('pk')}"  # noqa: S608


class Save(_Statement):
    """UPDATE of some fields of objects of one model; one that is gone stays gone.

    What `plus` names is a number to add to the one that is stored. Where `blank` names a field,
    only rows in which it is empty are changed.
    """

    def __init__(
        self, model: type[Model], *names: str, plus: tuple[str, ...] = (), blank: str = ""
    ) -> None:
        super().__init__(model, ("pk", *names, *plus))
        self._plus, self._blank = plus, blank

    def __call__(self, instances: Sequence[Any]) -> set[int]:
        """Store the fields, read from each object by name; returns the keys that were found.

        No two objects may have the same key.
        """
        return {key for _, keys in self._run(instances) for key in keys}

    def _compose(self, rows: str) -> str:
        table, key = self._table, self._column("pk")
        where = f"{table}.{key} = given.column1"
        if self._blank:
            where += f" AND {table}.{self._column(self._blank)} = ''"
        sets = ", ".join(self._set(at, name) for at, name in enumerate(self._names[1:], start=2))
        return (
            f"UPDATE {table} SET {sets} FROM (VALUES {rows}) AS given "  # noqa: S608
            f"WHERE {where} RETURNING {table}.{key}"
        )

    def _set(self, at: int, name: str) -> str:
        connection, column, value = connections[alias_of(self._model)], self._column(name), ""
        value = f"given.column{at}"
        if connection.vendor != "sqlite":  # there a column of nothing but NULLs would be text
            value = f"CAST({value} AS {self._field(name).db_type(connection)})"
        return (
            f"{column} = {self._table}.{column} + {value}"
            if name in self._plus
            else (f"{column} = {value}")
        )


def _quoted(model: type[Model], name: str) -> str:
    return str(connections[alias_of(model)].ops.quote_name(name))


def _as_it_is(field: Any) -> bool:
    return isinstance(field, _AS_THEY_ARE)


def _storer(field: Any, connection: Any) -> Callable[[Any], Any]:
    """Return what turns a field's value into the driver's."""

    def store(value: Any) -> Any:
        return field.get_db_prep_save(value, connection)

    if connection.vendor == "sqlite" and isinstance(field, models.JSONField):
        return json.dumps
    if connection.vendor == "sqlite" and isinstance(field, models.DateTimeField):
        return partial(_instant, store) if connection.timezone is UTC else store
    return lru_cache(256)(store) if isinstance(field, _REPEATED) else store


def _instant(store: Callable[[Any], Any], value: datetime | None) -> Any:
    """Return an instant of UTC as SQLite's text, at a fifth of what Django takes."""
    if value is None:
        return None
    if value.tzinfo is not UTC:
        return store(value)
    return str(value)[:-6]  # the offset


def parts(instances: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Cut a sequence into parts of 32, and the rest into powers of two.

    So few texts are in use that SQLite keeps them all compiled; longer ones are hardly faster.
    """
    at = 0
    while left := len(instances) - at:
        size = min(LARGEST_PART, 1 << (left.bit_length() - 1))
        yield instances[at : at + size]
        at += size
