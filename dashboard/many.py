"""An act on many rows of a list: counted and asked first, then done in slices, each once.

What is to be done travels in a signed order from page to page, so that nothing of it can be
altered on its way and no row is kept for it. A list says what its acts are (`Act`) and which rows
are meant (`Rows`).
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from django.core import signing
from django.db.models import Max, QuerySet

from .errors import GatewayError, NoCredentials, Refused, Unreachable
from .models import Once

SLICE = 2.0  # seconds that one request works
MOST = 10_000  # rows of one act
SHOWN = 10  # failures that are told one by one
VALID = 3600  # seconds within which an order has to be confirmed, and each slice to follow
Rows = Callable[["Order"], "QuerySet[Any]"]


@dataclass(frozen=True)
class Act:
    """What can be done to many rows at once.

    `fit` leaves those rows of a list that it can be done to; `do` does it to one, given the order's
    key, and raises a GatewayError with the sentence where it could not.
    """

    button: str  # Run now
    title: str  # Run many tasks now
    text: str  # what it means, on the page that asks
    done: str  # run now
    permission: str
    fit: Callable[[Any], Any]  # both a list's QuerySet
    do: Callable[[Any, Any, str], None]  # user, row, key
    danger: bool = False


@dataclass(frozen=True)
class Order:
    """What is to be done to which rows, and how far it has come.

    `query` is the list's query string, `keys` the rows that were ticked, none for all that match.
    `upto` is the highest key when it was counted, `after` the last one that was dealt with.
    """

    act: str
    query: str
    keys: tuple[int, ...] = ()
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
    """Return the order with how many rows it means now, at most one more than MOST."""
    meant = _meant(order, act, rows)
    upto = order.upto or meant.aggregate(last=Max("pk"))["last"] or 0
    count = meant.filter(pk__lte=upto).order_by().values("pk")[: MOST + 1].count()
    return replace(order, upto=upto, count=count)


def first(order: Order, act: Act, rows: Rows) -> list[Any]:
    """Return some of the rows that are meant, the newest first."""
    return list(_meant(order, act, rows).filter(pk__lte=order.upto).order_by("-pk")[:SHOWN])


def go_on(order: Order, act: Act, rows: Rows, user: Any) -> tuple[Order, str]:
    """Do the next slice; return how far it has come, and what keeps it from going on.

    A slice that comes twice is done once.
    """
    part = f"many {order.key} {order.after}"
    if not Once.objects.claim(part):
        return order, "This part was sent twice; it is done once. Begin anew with what is left."
    begun = order.after
    order, trouble = _slice(order, act, rows, user)
    if order.after == begun:
        Once.objects.give_back(part)
    return order, trouble


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
