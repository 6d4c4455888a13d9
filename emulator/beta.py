"""v2beta3: the same operations in its own messages, and the few things that only it has.

Requests are turned into v2's, responses back. Only it shows a queue's type, how long tasks and
names are kept there, and its statistics; those times hold for tasks created through v2 as well.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from . import errors, refusals
from .convert import convert, convert_path
from .creating import Ask, Create
from .errors import Refused, invalid
from .google_types import tasks_v2, tasks_v2beta3
from .messages import span
from .methods import Method, Switches, Windows, methods
from .models import Queue
from .models.task import RETENTION
from .queues import find_live
from .stats import fill_stats
from .work import Work, then

QueueMessage: Any = tasks_v2beta3.Queue.pb()
_api: Any = tasks_v2beta3
_v2: Any = tasks_v2
_ANSWERS_QUEUE = {"CreateQueue", "GetQueue", "UpdateQueue", "PurgeQueue", "PauseQueue",
                  "ResumeQueue"}  # fmt: skip
_TTLS = {
    "task_ttl": (timedelta(days=10), timedelta(days=3652), "between 10 days and 10 years"),
    "tombstone_ttl": (timedelta(hours=1), timedelta(days=9), "between 1 hour and 9 days"),
}
Run = Callable[[Work, Any], Any]
_ONLY_HERE = {"task_ttl", "tombstone_ttl", "type", "type_", "stats"}


class _Create(Create):
    """CreateTask in the messages of this version."""

    def __init__(self, request: Any, **rules: Any) -> None:
        super().__init__(convert(request, _v2.CreateTaskRequest.pb()()), **rules)

    @classmethod
    def together(cls, runs: Sequence[tuple[Work, Any]]) -> list[Any]:
        """Run them as v2's; each answer is this version's task."""
        answers = super().together(runs)
        return [
            each if isinstance(each, Refused) else convert(each, _api.Task.pb()())
            for each in answers
        ]


def beta_methods(windows: Windows, switches: Switches, ask: Ask | None = None) -> list[Method]:
    """Return v2's table as v2beta3 serves it."""
    return [_method(each, windows) for each in methods(windows, switches, ask)]


def _method(v2: Method, windows: Windows) -> Method:
    request = getattr(_api, v2.request.DESCRIPTOR.name, None)
    response = getattr(_api, v2.response.DESCRIPTOR.name, None)
    beta = replace(
        v2,
        request=request.pb() if request else v2.request,
        response=response.pb() if response else v2.response,
    )
    create: Any = v2.group  # of all methods CreateTask alone has one
    group = partial(_Create, **create.keywords) if create else None
    return replace(beta, operation=_operation(v2, beta, windows), group=group)


def _operation(v2: Method, beta: Method, windows: Windows) -> Run:
    if v2.name in ("BatchCreateTasks", "BatchDeleteTasks"):
        batch: Any = v2.operation
        return partial(batch, api=_api)
    run: Run = partial(_translated, v2, beta)
    if v2.name in _ANSWERS_QUEUE:
        return partial(_on_queue, run, windows=windows)
    return partial(_list_queues, run, windows=windows) if v2.name == "ListQueues" else run


def _translated(v2: Method, beta: Method, work: Work, request: Any) -> Any:
    answer = v2.operation(work, convert(request, v2.request()))
    return then(answer, lambda each: convert(each, beta.response()))


def _on_queue(run: Run, work: Work, request: Any, *, windows: Windows) -> Any:
    fields = request.DESCRIPTOR.fields_by_name
    mask = list(request.read_mask.paths) if "read_mask" in fields else []
    _check_read_mask(mask)
    if "queue" not in fields:
        return then(
            run(work, request),
            lambda each: _shown(work, each, _row(each.name), mask, windows),
        )
    _check_own(request.queue)
    chosen = _own_paths(request)
    answer = run(work, _without_own_paths(request))
    row = _row(answer.name)
    _keep_own(row, request.queue, chosen)
    return _shown(work, answer, row, mask, windows)


def _list_queues(run: Run, work: Work, request: Any, *, windows: Windows) -> Any:
    mask = list(request.read_mask.paths)
    _check_read_mask(mask)
    answer = run(work, request)
    rows = {queue.name: queue for queue in Queue.objects.live().filter(parent=request.parent)}
    for message in answer.queues:
        _shown(work, message, rows[message.name], mask, windows)
    return answer


def _row(name: str) -> Queue:
    row = find_live(name)
    if row is None:
        raise errors.no_queue()
    return row


# What only this version has -----------------------------------------------------------------
def _check_own(queue: Any) -> None:
    if queue.type_ == _api.Queue.Type.PULL:
        raise invalid("Queue.type must be PUSH: pull queues are not supported.")
    for name, (least, most, words) in _TTLS.items():
        if queue.HasField(name) and not least <= span(getattr(queue, name)) <= most:
            raise invalid(f"Queue.{name} must be {words}.")


def _own_paths(request: Any) -> set[str]:
    """Return which of the two times a request sets: all without a mask, as for the others."""
    if "update_mask" not in request.DESCRIPTOR.fields_by_name or not request.update_mask.paths:
        return set(_TTLS)
    return set(_TTLS) & set(request.update_mask.paths)


def _without_own_paths(request: Any) -> Any:
    """Return the request with a mask that v2 understands."""
    if "update_mask" not in request.DESCRIPTOR.fields_by_name or not request.update_mask.paths:
        return request
    plain = type(request)()
    plain.CopyFrom(request)
    paths = [convert_path(path) for path in request.update_mask.paths]
    # An empty mask would mean everything; a name is never changed.
    kept = [path for path in paths if path.split(".")[0] not in _ONLY_HERE] or ["name"]
    plain.update_mask.paths[:] = kept
    return plain


def _keep_own(row: Queue, wanted: Any, chosen: set[str]) -> None:
    for name in chosen:
        setattr(row, name, span(getattr(wanted, name)) if wanted.HasField(name) else None)
    if chosen:
        row.save(update_fields=sorted(chosen))


def _shown(work: Work, message: Any, row: Queue, mask: list[str], windows: Windows) -> Any:
    """Complete a queue's message and leave what the read mask leaves; returns the message."""
    message.type_ = _api.Queue.Type.PUSH
    message.task_ttl.FromTimedelta(row.task_ttl or RETENTION)
    message.tombstone_ttl.FromTimedelta(row.tombstone_ttl or windows.task_tombstone)
    names = {path.split(".")[0].rstrip("_") for path in mask}
    if names & {"stats", "*"}:
        fill_stats(message.stats, row, work.now)
    if names and "*" not in names:
        for field, _ in message.ListFields():
            if field.name.rstrip("_") not in names:
                message.ClearField(field.name)
    return message


def _check_read_mask(mask: list[str]) -> None:
    for path in mask:
        name = path.split(".")[0].rstrip("_")
        if name != "*" and name not in {each.name.rstrip("_") for each in _fields()}:
            raise refusals.read_mask_unknown(path)


def _fields() -> Any:
    return QueueMessage.DESCRIPTOR.fields
