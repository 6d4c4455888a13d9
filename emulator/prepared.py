"""Statements of the hot path: the ORM writes their SQL once, then they run with other values.

Composing a statement costs the ORM many times what the database needs to run it, and the emulator
runs the same few for every task. Values are converted by the models' own fields, both ways.
"""

from collections.abc import Callable, Sequence
from functools import cache, cached_property, lru_cache
from typing import Any, Generic, TypeVar

from django.db import connections, models, router
from django.db.models import Expression, Field, Model, QuerySet

M = TypeVar("M", bound=Model)
MOST_SHARED = 256


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
        compiler = self._build().query.get_compiler(using=alias_of(self._model))
        sql, params = compiler.as_sql()
        columns = [column for column, _, _ in compiler.select]
        names = [column.target.attname for column in columns]
        return sql, list(params), compiler, compiler.get_converters(columns), names

    def rows(self, **values: Any) -> list[list[Any]]:
        """Run it and return the rows."""
        return self._converted(self._fetched(values))

    def _fetched(self, values: dict[str, Any]) -> list[Any]:
        sql, params, *_ = self._compiled
        connection = connections[alias_of(self._model)]
        filled = [
            param.field.get_db_prep_value(values[param.name], connection)
            if isinstance(param, _Slot)
            else param
            for param in params
        ]
        return fetched(connection, sql, filled)

    def _converted(self, rows: list[Any]) -> list[list[Any]]:
        _, _, compiler, converters, _ = self._compiled
        return list(compiler.apply_converters(rows, converters))

    def all(self, **values: Any) -> list[M]:
        """Run it and return the objects."""
        return self._objects(self._fetched(values))

    def shared(self, **values: Any) -> list[M]:
        """Run it and return objects to read only: a row that is as it was is the object it was."""
        return [self._shared(row) for row in self._fetched(values)]

    @cached_property
    def _shared(self) -> Callable[[Any], M]:
        return lru_cache(MOST_SHARED)(lambda row: self._objects([row])[0])

    def _objects(self, rows: list[Any]) -> list[M]:
        model, alias, names = self._model, alias_of(self._model), self._compiled[4]
        return [model.from_db(alias, names, row) for row in self._converted(rows)]

    def first(self, **values: Any) -> M | None:
        """Run it and return the first object, or None."""
        found = self.all(**values)
        return found[0] if found else None

    @cached_property
    def _model(self) -> type[M]:
        return self._build().model


@cache
def alias_of(model: type[Model]) -> str:
    """Return the name of the database that a model lives in."""
    return router.db_for_write(model)


def fetched(connection: Any, sql: str, values: Sequence[Any]) -> list[Any]:
    """Run a statement and return its rows.

    SQLite's driver is asked directly unless somebody looks on: the layers between take as long.
    """
    if connection.vendor == "sqlite" and not (
        connection.queries_logged or connection.execute_wrappers
    ):
        connection.ensure_connection()
        with connection.wrap_database_errors:
            return list(connection.connection.execute(_with_marks(sql), values))
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


@lru_cache(512)
def _with_marks(sql: str) -> str:
    """Return a statement as SQLite takes it."""
    return sql.replace("%s", "?").replace("%%", "%")


NUMBER: Field = models.BigIntegerField()
TEXT: Field = models.TextField()
INSTANT: Field = models.DateTimeField()
