"""What a query means to the database: events narrowed by its fields."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, F, Func, Max, Min, Q, Value

from receiver.models import Event, EventQuerySet, Span

from .models import SentTask
from .query import Query, Term

MANY = 5_000  # ids that a first step may find, to be narrowed by a second one
LAST_ID = 2**63 - 1
STRAGGLERS = 1_000  # neighbours in time, of which ids may be out of order


class Plain(Func):
    """A column as it is, for which SQLite asks no index: it knows of no better one by itself."""

    template = "%(expressions)s"
    arity = 1

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **extra)


class HasHeader(Func):
    """Whether one of the headers has a name and a value like a pattern, both in lower case."""

    arity = 3
    output_field = BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self._sql(compiler, "json_each({})", "json_extract(pair.value, '$[{}]')")

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self._sql(compiler, "jsonb_array_elements({})", "(pair ->> {})")

    def _sql(self, compiler: Any, each: str, item: str) -> tuple[str, list[Any]]:
        (headers, _), name, value = map(compiler.compile, self.source_expressions)
        test = f"lower({item.format(0)}) = {name[0]}"
        test += f" AND lower({item.format(1)}) LIKE {value[0]} ESCAPE '\\'"
        sql = f"EXISTS (SELECT 1 FROM {each.format(headers)} AS pair WHERE {test})"  # noqa: S608
        return sql, [*name[1], *value[1]]


@dataclass(frozen=True)
class Narrowed:
    """Events by fields; `scans` where no index knows them, so that rows have to be read."""

    events: EventQuerySet
    scans: bool
    anything: bool  # whether there is a field at all


def narrow(query: Query) -> Narrowed:
    """Return the events that have every field of a query; of its words nothing is known yet."""
    lead, scans = _lead(query), False
    events = Event.objects.alias(
        at=Plain("received_at"), its_queue=Plain("queue"), its_outcome=Plain("outcome")
    )
    for name, where in _WHERE.items():
        wanted, unwanted = query.of(name), query.of(name, negated=True)
        if wanted:
            if name in ("queue", "outcome") and name != lead:
                where = _text(f"its_{name}")
            for together in _groups(wanted):
                events = events.filter(_any(where, together))
            scans = scans or not (lead and _is_indexed(wanted))
        if unwanted:
            events = events.exclude(_any(where, unwanted))
            scans = True
    for one in query.of("after"):
        events = events.filter(at__gte=one.moment)
    for one in query.of("before"):
        events = events.filter(at__lt=one.moment)
    fields = any(one.name != "text" for one in query.terms)
    return Narrowed(events, scans and lead != "task", fields)


def span(query: Query, above: int = 0, below: int = LAST_ID, down: bool = True) -> Span:
    """Return the ids between which everything lies that came in a query's time."""
    for one in query.of("after"):
        near = Event.objects.filter(received_at__gte=one.moment).order_by("received_at")
        first = near.values("pk")[:STRAGGLERS].aggregate(first=Min("pk"))["first"]
        above = below if first is None else max(above, first - 1)
    for one in query.of("before"):
        near = Event.objects.filter(received_at__lt=one.moment).order_by("-received_at")
        last = near.values("pk")[:STRAGGLERS].aggregate(last=Max("pk"))["last"]
        below = min(below, (last or 0) + 1)
    return Span(above, below, down)


def _lead(query: Query) -> str:
    """Return the field whose index finds the fewest rows, as far as one can know."""
    if query.of("batch") or any(_is_whole(one) for one in query.of("task")):
        return "task"
    failed = [one for one in query.of("outcome") if one.value == "failed"]
    if failed and len(query.of("outcome")) == 1:
        return "outcome"
    if query.of("queue") and all(map(_is_whole, query.of("queue"))):
        return "queue"
    return "outcome" if query.of("outcome") else ""


def _is_whole(term: Term) -> bool:
    return term.chosen or not term.value.endswith("*")


def _is_indexed(terms: list[Term]) -> bool:
    return all(
        one.name in ("task", "batch", "queue", "outcome") and _is_whole(one) for one in terms
    )


def _groups(terms: list[Term]) -> list[list[Term]]:
    """Return what is to hold together: one of those typed, and each that was chosen beside."""
    typed = [one for one in terms if not one.chosen]
    return [*([typed] if typed else []), *([one] for one in terms if one.chosen)]


def _any(where: Callable[[Term], Q], terms: list[Term]) -> Q:
    found = Q()
    for one in terms:
        found |= where(one)
    return found


def _text(column: str) -> Callable[[Term], Q]:
    def where(term: Term) -> Q:
        if _is_whole(term):
            return Q(**{column: term.value})
        return Q(**{f"{column}__startswith": term.value[:-1]})

    return where


def _task(term: Term) -> Q:
    """Find a beginning by the index: it is few tasks as a rule, then it is by their keys."""
    if _is_whole(term):
        return Q(task=term.value)
    begin = term.value[:-1]
    found = Event.objects.filter(task__gte=begin, task__startswith=begin).order_by("task")
    keys = list(found.values_list("pk", flat=True)[: MANY + 1])
    return Q(pk__in=keys) if len(keys) <= MANY else Q(task__startswith=begin)


def _batch(term: Term) -> Q:
    """Find a batch's events as `_task` does: most batches have few."""
    ids = SentTask.objects.filter(batch=int(term.value)).values("task_id")
    keys = list(Event.objects.filter(task__in=ids).values_list("pk", flat=True)[: MANY + 1])
    return Q(pk__in=keys) if len(keys) <= MANY else Q(task__in=ids)


def _status(term: Term) -> Q:
    if not term.value.endswith("xx"):
        return Q(status=int(term.value))
    hundred = 100 * int(term.value[0])
    return Q(status__gte=hundred, status__lt=hundred + 100)


def _header(term: Term) -> Q:
    name, _, value = term.value.lower().partition("=")
    pattern = "".join(f"\\{sign}" if sign in "\\%_" else sign for sign in value.rstrip("*"))
    if value.endswith("*") or not value:
        pattern += "%"
    return Q(HasHeader(F("headers"), Value(name), Value(pattern)))


_WHERE: dict[str, Callable[[Term], Q]] = {
    "task": _task,
    "batch": _batch,
    "queue": _text("queue"),
    "outcome": _text("outcome"),
    "status": _status,
    "source": _text("source"),
    "account": _text("caller_account"),
    "path": _text("path"),
    "header": _header,
}
