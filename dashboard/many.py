"""An act on many rows of a list: counted and asked first, then done in slices, each once.

What is to be done travels in a signed order from page to page, so that nothing of it can be
altered on its way and no row is kept for it. A list says what its acts are (`Act`) and which rows
are meant (`Rows`).
"""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from django.core import signing
from django.db import OperationalError
from django.db.models import Max, QuerySet

from .errors import GatewayError, NoCredentials, Refused, Unreachable
from .models import Once

SLICE = 2.0  # seconds that one request works
MOST = 10_000  # rows of one act, and keys that an order can name
MOST_SWEPT = 100_000_000
SHOWN = 10  # failures that are told one by one
VALID = 3600  # seconds within which an order has to be confirmed, and each slice to follow
Rows = Callable[["Order"], "QuerySet[Any]"]
Sweep = Callable[[Any], Iterator[int]]  # of a list's QuerySet


def _nothing(user: Any, row: Any, key: str) -> None:
    """What an act that sweeps does to a single row."""


@dataclass(frozen=True)
class Act:
    """What can be done to many rows at once.

    `fit` leaves those rows of a list that it can be done to; `do` does it to one, given the order's
    key, and raises a GatewayError with the sentence where it could not. Or `sweep` does it to the
    oldest of them, after which they are no longer there: it yields how many, again and again, and
    stops where it is left. `begin` is told before the first of them.
    """

    button: str  # Run now
    title: str  # Run many tasks now
    text: str  # what it means, on the page that asks
    done: str  # run now
    permissions: tuple[str, ...]
    fit: Callable[[Any], Any]  # both a list's QuerySet
    do: Callable[[Any, Any, str], None] = _nothing  # user, row, key
    sweep: Sweep | None = None
    begin: Callable[[Any, "Order", list[str]], None] | None = None  # user, the filter in words
    danger: bool = False

    @property
    def most(self) -> int:
        """How many rows it is done to at once."""
        return MOST_SWEPT if self.sweep else MOST


@dataclass(frozen=True)
class Order:
    """What is to be done to which rows, and how far it has come.

    `query` is the list's query string, `keys` the rows that were ticked or, where `found`, those
    that a search of the list has found; none for all that match.
    `upto` is the highest key when it was counted, `after` the last one that was dealt with.
    """

    act: str
    query: str
    keys: tuple[int, ...] = ()
    found: bool = False
    upto: int = 0
    after: int = 0
    count: int = 0
    done: int = 0
    failed: int = 0
    failures: tuple[tuple[str, str], ...] = ()  # the first of them: row, sentence
    key: str = field(default_factory=lambda: secrets.token_hex(8))

    def write(self) -> str:
        """Return the order signed, as a form's hidden field carries it."""
        return signing.dumps(self.__dict__, salt="dashboard.many", compress=True)

    @classmethod
    def read(cls, text: str) -> "Order | None":
        """Return what `write` wrote; None where it was altered or is too old."""
        try:
            found = signing.loads(text, salt="dashboard.many", max_age=VALID)
        except signing.BadSignature:
            return None
        failures = tuple((row, said) for row, said in found["failures"])
        return cls(**found | {"keys": tuple(found["keys"]), "failures": failures})

    @property
    def dealt(self) -> int:
        """How many rows have been dealt with."""
        return self.done + self.failed

    @property
    def left(self) -> int:
        """How many rows are still to be dealt with."""
        return max(self.count - self.dealt, 0)


def counted(order: Order, act: Act, rows: Rows) -> Order:
    """Return the order with how many rows it means now, at most one more than the act's most."""
    meant = _meant(order, act, rows)
    upto = order.upto or meant.aggregate(last=Max("pk"))["last"] or 0
    count = meant.filter(pk__lte=upto).order_by().values("pk")[: act.most + 1].count()
    return replace(order, upto=upto, count=count)


def first(order: Order, act: Act, rows: Rows) -> list[Any]:
    """Return some of the rows that are meant, the newest first."""
    return list(_meant(order, act, rows).filter(pk__lte=order.upto).order_by("-pk")[:SHOWN])


def go_on(order: Order, act: Act, rows: Rows, user: Any, told: list[str]) -> tuple[Order, str]:
    """Do the next slice; return how far it has come, and what keeps it from going on.

    A slice that comes twice is done once. `told` is the filter in words.
    """
    part = f"many {order.key} {order.dealt}"
    if not Once.objects.claim(part):
        return order, "This part was sent twice; it is done once. Begin anew with what is left."
    begun = order.dealt
    if act.begin and not begun:
        act.begin(user, order, told)
    if act.sweep:
        order, trouble = _swept(order, act.sweep, _meant(order, act, rows))
    else:
        order, trouble = _slice(order, act, rows, user)
    if order.dealt == begun:
        Once.objects.give_back(part)
    return order, trouble


def _swept(order: Order, sweep: Sweep, meant: "QuerySet[Any]") -> tuple[Order, str]:
    start, done = time.monotonic(), order.done
    try:
        for gone in sweep(meant.filter(pk__lte=order.upto)):
            done += gone
            if time.monotonic() - start >= SLICE:
                return replace(order, done=done, count=max(order.count, done + 1)), ""
    except OperationalError as error:
        return replace(order, done=done), f"The database is busy: go on in a while. ({error})"
    return replace(order, done=done, count=done), ""


def _slice(order: Order, act: Act, rows: Rows, user: Any) -> tuple[Order, str]:
    start = time.monotonic()
    while True:
        meant = _meant(order, act, rows).filter(pk__gt=order.after, pk__lte=order.upto)
        row = meant.order_by("pk").first()
        if row is None:
            return replace(order, count=order.dealt), ""
        order, trouble = _do(order, act, row, user)
        if trouble or time.monotonic() - start >= SLICE:
            return order, trouble


def _do(order: Order, act: Act, row: Any, user: Any) -> tuple[Order, str]:
    try:
        act.do(user, row, order.key)
    except (Unreachable, NoCredentials) as error:
        return order, str(error)
    except GatewayError as error:
        if isinstance(error, Refused) and error.status == "RESOURCE_EXHAUSTED":
            return order, f"Cloud Tasks wants it slower: go on in a minute. {error}"
        failures = (*order.failures, (str(row), str(error)))[:SHOWN]
        return replace(order, after=row.pk, failed=order.failed + 1, failures=failures), ""
    return replace(order, after=row.pk, done=order.done + 1), ""


def _meant(order: Order, act: Act, rows: Rows) -> "QuerySet[Any]":
    found = act.fit(rows(order))
    return found.filter(pk__in=order.keys) if order.keys else found
