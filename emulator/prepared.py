"""Statements of the hot path: the ORM writes their SQL once, then they run with other values.

Composing a statement costs the ORM many times what the database needs to run it, and the emulator
runs the same few for every task. Values are converted by the models' own fields, both ways.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connections, models, router
from django.db.models import Expression, Field, Model, QuerySet

M = TypeVar("M", bound=Model)


class _Slot:
    def __init__(self, name: str, field: Field) -> None:
        self.name, self.field = name, field


class Bind(Expression):
    """A place in a queryset for a value that is given when the statement runs."""

    def __init__(self, name: str, field: Field) -> None:
        super().__init__(output_field=field)
        self.slot = _Slot(name, field)

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Leave the place open."""
        return "%s", [self.slot]


class Select(Generic[M]):
    """`Select(lambda: Model.objects.filter(x=Bind("x", field)))`, then `.all(x=1)`."""

    def __init__(self, build: Callable[[], QuerySet[M]]) -> None:
        self._build = build

    @cached_property
    def _compiled(self) -> tuple[str, list[Any], Any, dict[Any, Any], list[str]]:
        compiler = self._build().query.get_compiler(using=_alias(self._model))
        sql, params = compiler.as_sql()
        columns = [column for column, _, _ in compiler.select]
        names = [column.target.attname for column in columns]
        return sql, list(params), compiler, compiler.get_converters(columns), names

    def rows(self, **values: Any) -> list[list[Any]]:
        """Run it and return the rows."""
        sql, params, compiler, converters, _ = self._compiled
        connection = connections[_alias(self._model)]
        filled = [
            param.field.get_db_prep_value(values[param.name], connection)
            if isinstance(param, _Slot)
            else param
            for param in params
        ]
        with connection.cursor() as cursor:
            cursor.execute(sql, filled)
            return list(compiler.apply_converters(cursor.fetchall(), converters))

    def all(self, **values: Any) -> list[M]:
        """Run it and return the objects."""
        model, alias, names = self._model, _alias(self._model), self._compiled[4]
        return [model.from_db(alias, names, row) for row in self.rows(**values)]

    def first(self, **values: Any) -> M | None:
        """Run it and return the first object, or None."""
        found = self.all(**values)
        return found[0] if found else None

    @cached_property
    def _model(self) -> type[M]:
        return self._build().model


class Insert:
    """INSERT of one object, which gets its primary key."""

    def __init__(self, model: type[Model]) -> None:
        self._model = model
        self._meta = model._meta
        self._fields = [f for f in model._meta.concrete_fields if not f.primary_key]

    @cached_property
    def _sql(self) -> str:
        quote = connections[_alias(self._model)].ops.quote_name
        columns = ", ".join(quote(f.column) for f in self._fields)
        places = ", ".join(["%s"] * len(self._fields))
        key = quote(self._meta.pk.column)
        table = quote(self._meta.db_table)
        return f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING {key}"  # noqa: S608

    def __call__(self, instance: Model) -> None:
        """Store it."""
        connection = connections[_alias(self._model)]
        values = [_stored(f, instance, connection) for f in self._fields]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, values)
            instance.pk = cursor.fetchone()[0]
        instance._state.adding, instance._state.db = False, _alias(self._model)


class Save:
    """UPDATE of some fields of one object; one that is gone stays gone."""

    def __init__(self, model: type[Model], *names: str) -> None:
        self._model = model
        self._meta = model._meta
        self._names = names

    @cached_property
    def _fields(self) -> list[Any]:
        return [self._meta.get_field(name) for name in self._names]

    @cached_property
    def _sql(self) -> str:
        quote = connections[_alias(self._model)].ops.quote_name
        sets = ", ".join(f"{quote(f.column)} = %s" for f in self._fields)
        key = quote(self._meta.pk.column)
        return f"UPDATE {quote(self._meta.db_table)} SET {sets} WHERE {key} = %s"  # noqa: S608

    def __call__(self, instance: Model) -> None:
        """Store the fields."""
        connection = connections[_alias(self._model)]
        values = [_stored(f, instance, connection) for f in self._fields]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, [*values, instance.pk])


def _alias(model: type[Model]) -> str:
    return router.db_for_write(model)


def _stored(field: Any, instance: Model, connection: Any) -> Any:
    return field.get_db_prep_save(getattr(instance, field.attname), connection)


NUMBER: Field = models.BigIntegerField()
TEXT: Field = models.TextField()
INSTANT: Field = models.DateTimeField()
