"""CreateTask: many at a time, and where a queue has room, with the first attempt opened at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from . import errors
from .errors import Refused
from .messages import BASIC, FULL, TaskMessage, instant, payload, span, task_message
from .models import NewTask, Queue, Task
from .names import TaskName, new_task_id
from .orders import orders_for
from .queues import live_queues
from .queues import parsed as queue_parsed
from .runner import Permit
from .task_rules import canonical, destination, method_name
from .tasks import find_task, parsed
from .upkeep import release_lost
from .work import Group, Work

Ask = Callable[[str], Permit | None]
Queues = dict[str, Queue]


@dataclass(slots=True)
class _Draft:
    """A task about to be stored, and the answer to its CreateTask."""

    work: Work
    queue: Queue
    task: NewTask
    answer: Any
    permit: Permit | None


class Create(Group):
    """One CreateTask: an unnamed task gets an id, a past schedule_time becomes now.

    `ask` says whether the queue of that name has room for an attempt right now. `made` says that
    the name in the request was made here, for a call that had none.
    """

    def __init__(
        self,
        request: Any,
        *,
        tombstone: timedelta,
        https_tokens: bool = False,
        ask: Ask | None = None,
        made: bool = False,
    ) -> None:
        self._request = request
        self._named = bool(request.task.name) and not made
        self._id = ""  # of a task without a name
        self._tombstone = tombstone
        self._https_tokens = https_tokens
        self._ask = ask
        self._permit: Permit | None = None

    def begin(self) -> None:
        """Take a permit for the first attempt of a task that is due at once."""
        if self._ask and not self._request.task.HasField("schedule_time"):
            self._permit = self._ask(self._request.parent)

    def settled(self) -> None:
        """Give back a permit that was not used."""
        if self._permit and not self._permit.used:
            self._permit.give_back()

    @classmethod
    def together(cls, runs: Sequence[tuple[Work, Self]]) -> list[Any]:
        """Check each, store all tasks and then all attempts that may be opened."""
        queues = live_queues({create._request.parent for _, create in runs})
        names: set[tuple[int, str]] = set()
        found = [create._checked(work, queues, names) for work, create in runs]
        drafts = [each for each in found if isinstance(each, _Draft)]
        Task.store_all([draft.task for draft in drafts])
        _open([draft for draft in drafts if draft.permit])
        for draft in drafts:
            if not draft.permit:
                draft.work.expect(draft.queue.pk, draft.task.schedule_time)
            draft.work.created += 1
        return [each.answer if isinstance(each, _Draft) else each for each in found]

    def _checked(self, work: Work, queues: Queues, names: set[tuple[int, str]]) -> Any:
        """Return a draft, the answer to a call that was committed before, or what refuses it."""
        try:
            name = self._name()
            queue = _queue(queues, self._request.parent)
            stored = canonical(
                self._request.task, str(name), work.now, https_tokens=self._https_tokens
            )
            old = find_task(queue, name.id) if self._named or work.again else None
            if old is not None:
                if not self._named:
                    return self._answered_before(work, queue, old)
                _check_reuse(old, work.now, queue.tombstone_ttl or self._tombstone)
                old.delete()
            if (queue.pk, name.id) in names:
                raise errors.task_exists()
        except Refused as refused:
            return refused
        names.add((queue.pk, name.id))
        return self._draft(work, queue, name.id, stored)

    def _name(self) -> TaskName:
        task = self._request.task
        if not task.name:
            # Kept: if the answer to its commit is lost, the call runs once more.
            self._id = self._id or new_task_id()
            return TaskName(self._request.parent, self._id)
        name = parsed(task.name)
        if name.queue != self._request.parent:
            raise errors.task_in_another_queue(self._request.parent, name.queue)
        return name

    def _answered_before(self, work: Work, queue: Queue, old: Task) -> Any:
        release_lost(work, old)
        return task_message(old, queue.name, self._request.response_view)

    def _draft(self, work: Work, queue: Queue, task_id: str, stored: Any) -> _Draft:
        task = _row(queue, task_id, stored)
        permit = self._permit if self._permit and self._permit.fits(queue) else None
        if permit:
            task.lease(work.now)
        return _Draft(work, queue, task, _answer(stored, self._request.response_view), permit)


def create_task(
    work: Work,
    request: Any,
    *,
    tombstone: timedelta,
    https_tokens: bool = False,
    made: bool = False,
) -> Any:
    """CreateTask as a part of another operation, which knows by itself whether it runs again."""
    return Create(request, tombstone=tombstone, https_tokens=https_tokens, made=made)(work)


def _queue(queues: Queues, name: str) -> Queue:
    """Return a queue of those looked up; raises Refused where it is not among them."""
    queue = queues.get(str(queue_parsed(name)))
    if queue is None:
        raise errors.no_queue()
    return queue


def _open(drafts: list[_Draft]) -> None:
    if not drafts:
        return
    now = drafts[0].work.now
    orders = orders_for([(draft.queue, draft.task) for draft in drafts], now)
    for draft, order in zip(drafts, orders, strict=True):
        if draft.permit:
            draft.work.permitted.append((order, draft.permit))


def _check_reuse(old: Task, now: datetime, tombstone: timedelta) -> None:
    if not old.outcome:
        raise errors.task_exists()
    if old.rests(now, tombstone):
        raise errors.task_existed_recently()


def _row(queue: Queue, task_id: str, stored: Any) -> NewTask:
    request = payload(stored)
    schedule_time = instant(stored.schedule_time)
    return NewTask(
        queue_id=queue.pk,
        short_name=task_id,
        method=method_name(request),
        url=destination(stored).replace("\0", "\N{REPLACEMENT CHARACTER}"),  # PostgreSQL has no NUL
        create_time=instant(stored.create_time),
        schedule_time=schedule_time,
        due_at=schedule_time,
        dispatch_deadline=span(stored.dispatch_deadline),
        body=request.body,
        spec=_spec(stored),
    )


def _spec(stored: Any) -> bytes:
    """Serialize what has no column: the request without its body, and the retry_config."""
    spec = TaskMessage()
    spec.CopyFrom(stored)
    payload(spec).ClearField("body")
    for name in ("name", "create_time", "schedule_time", "dispatch_deadline"):
        spec.ClearField(name)
    return bytes(spec.SerializeToString())


def _answer(stored: Any, view: int) -> Any:
    """Return a new task in one of its views, as `task_message` does a stored one."""
    stored.view = FULL if view == FULL else BASIC
    if view != FULL:
        payload(stored).ClearField("body")
    return stored
