"""Operations run in one transaction: single ones in turn, those of a kind together.

An operation checks everything before it writes: what it refuses leaves its neighbours alone. Any
other failure undoes the transaction, and the operations are then run one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import InterfaceError, OperationalError, connections, transaction

from . import errors
from .clock import Clock
from .errors import Refused
from .models import database
from .owner import AlreadyOwned
from .work import Group, Operation, Work

# What an operation fails with where the database is away, busy or somebody else's.
NOT_SERVED = (OperationalError, InterfaceError, AlreadyOwned)


@dataclass(slots=True)
class Outcome:
    """What became of one operation: a result or an error, and the work to follow."""

    result: Any = None
    error: BaseException | None = None
    work: Work | None = None


def commit_together(operations: Sequence[Operation], clock: Clock | None = None) -> list[Outcome]:
    """Run operations in one transaction, or one by one where one of them breaks it."""
    clock = clock or Clock()
    try:
        with transaction.atomic(using=database()):
            return _run(operations, clock)
    except Exception as error:
        _drop_if_broken()
        once = len(operations) == 1 and not isinstance(error, OperationalError | InterfaceError)
        if once or is_locked(error):  # each alone would wait for the lock again
            return [Outcome(error=error) for _ in operations]
    return _commit_each(operations, clock)


def is_locked(error: Exception) -> bool:
    """Say whether another program holds SQLite's file for longer than a statement waits."""
    return isinstance(error, OperationalError) and "locked" in str(error)


def unserved(error: Exception) -> Refused:
    """Return one of NOT_SERVED as clients are told of it."""
    return errors.store_busy() if is_locked(error) else errors.store_unavailable()


def _commit_each(operations: Sequence[Operation], clock: Clock) -> list[Outcome]:
    try:
        connections[database()].ensure_connection()
    except Exception as error:
        # Without a database every one of them would wait for the same time-out.
        return [Outcome(error=error) for _ in operations]
    return [_commit_alone(operation, clock) for operation in operations]


def _commit_alone(operation: Operation, clock: Clock) -> Outcome:
    try:
        with transaction.atomic(using=database()):
            return _run([operation], clock, again=True)[0]
    except Exception as error:
        _drop_if_broken()
        return Outcome(error=error)


def _drop_if_broken() -> None:
    connection = connections[database()]
    if not connection.is_usable():
        connection.close()


def _run(operations: Sequence[Operation], clock: Clock, again: bool = False) -> list[Outcome]:
    """Run the single ones in their order, then those that go together, kind by kind.

    All wait for their answers, so any order is one in which their callers may have asked.
    """
    now = clock.now()
    works = [Work(now, again=again) for _ in operations]
    results: list[Any] = [None] * len(operations)
    kinds: dict[type[Group], list[int]] = {}
    for at, operation in enumerate(operations):
        if isinstance(operation, Group):
            kinds.setdefault(type(operation), []).append(at)
        else:
            results[at] = _result(operation, works[at])
    for kind, places in kinds.items():
        group: list[Any] = [(works[at], operations[at]) for at in places]
        for at, result in zip(places, kind.together(group), strict=True):
            results[at] = result
    return [_outcome(*each) for each in zip(results, works, strict=True)]


def _result(operation: Operation, work: Work) -> Any:
    try:
        return operation(work)
    except Refused as refused:
        return refused


def _outcome(result: Any, work: Work) -> Outcome:
    """Tell results from refusals, from which nothing follows."""
    return Outcome(error=result) if isinstance(result, Refused) else Outcome(result, work=work)
