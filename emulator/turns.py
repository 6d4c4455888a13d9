"""Work on very many tasks, some at a time: what others ask for meanwhile goes between."""

from collections.abc import Callable
from typing import Any

from django.db.models import Max, QuerySet

from .models import Attempt, Task, database
from .work import More, Work

TASKS_A_TURN = 500
Tasks = QuerySet[Task]
Turn = Callable[[Work, Any], object]
Finish = Callable[[Work], Any]


def in_turns(work: Work, tasks: Any, turn: Turn, finish: Finish) -> Any:
    """Do `turn` to all of these tasks that there are now, and bring what `finish` does at last."""
    last = tasks.order_by().aggregate(last=Max("pk"))["last"]
    return _part(work, tasks.filter(pk__lte=last or 0).order_by("pk"), turn, 0, finish)


def _part(work: Work, tasks: Any, turn: Turn, after: int, finish: Finish) -> Any:
    some = list(tasks.filter(pk__gt=after).values_list("pk", flat=True)[:TASKS_A_TURN])
    turn(work, Task.objects.filter(pk__in=some))
    if len(some) < TASKS_A_TURN:
        return finish(work)
    return More(lambda work: _part(work, tasks, turn, some[-1], finish))


def forget(work: Work, tasks: Any) -> None:
    """Delete tasks with their attempts, so that even their names are free."""
    forget_keys(list(tasks.values_list("pk", flat=True)))


def forget_keys(keys: list[int]) -> None:
    """Delete the tasks of these primary keys, and their attempts.

    `delete` would read every row first, with its body, to look for what hangs on it.
    """
    Attempt.objects.filter(task__in=keys)._raw_delete(database())
    Task.objects.filter(pk__in=keys)._raw_delete(database())
