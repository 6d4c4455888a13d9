"""The operations on queues: a request message in, a response message out, or Refused."""

from collections.abc import Collection
from datetime import timedelta
from functools import cache
from typing import Any

from google.protobuf.empty_pb2 import Empty

from . import errors
from .google_types import tasks_v2
from .messages import QueueMessage, queue_message
from .models import Queue, Task
from .names import QueueName, is_location, parse_queue_name, valid_queue_id
from .paging import last_seen, page_size, page_token, within_bytes
from .prepared import TEXT, Bind, Select
from .queue_filter import parse_filter
from .settings_rules import OUTPUT_ONLY, apply_settings, check_settings, masked
from .turns import Turn, forget, in_turns
from .work import Work

MOST_A_PAGE = 9800
ListQueuesResponse: Any = tasks_v2.ListQueuesResponse.pb()

_live = Select(lambda: Queue.objects.live().filter(name=Bind("name", TEXT)).order_by())


@cache
def _named(count: int) -> Select[Queue]:
    names = [Bind(f"name{at}", TEXT) for at in range(count)]
    return Select(lambda: Queue.objects.live().filter(name__in=names).order_by())


def parsed(name: str) -> QueueName:
    """Return a queue's name in its parts; raises Refused where it breaks the rules of names."""
    parts = parse_queue_name(name)
    if parts is None:
        raise errors.queue_name_malformed()
    if not valid_queue_id(parts.id):
        raise errors.queue_id_invalid(parts.id)
    return parts


def find_live(name: str) -> Queue | None:
    """Return the queue of that name, or None."""
    return _live.first(name=name)


def live_queues(names: Collection[str]) -> dict[str, Queue]:
    """Return those queues of these names that there are, each by its name; to read only."""
    size = 1 << (len(names) - 1).bit_length()
    values = dict(enumerate([*names, *[""] * (size - len(names))]))
    found = _named(size).shared(**{f"name{at}": name for at, name in values.items()})
    return {queue.name: queue for queue in found}


def live_queue(name: str) -> Queue:
    """Return the queue of that name; raises Refused where there is none."""
    queue = find_live(str(parsed(name)))
    if queue is None:
        raise errors.no_queue()
    return queue


def create_queue(work: Work, request: Any, *, cooldown: timedelta) -> Any:
    """CreateQueue: a zero or missing setting becomes Google's default."""
    if not is_location(request.parent):
        raise errors.location_malformed()
    name = parsed(request.queue.name)
    if name.parent != request.parent:
        raise errors.queue_outside_parent(request.queue.name, request.parent)
    check_settings(request.queue)
    if find_live(str(name)):
        raise errors.queue_exists()
    return _create(work, name, request.queue, cooldown)


def _create(work: Work, name: QueueName, settings: Any, cooldown: timedelta) -> Any:
    if Queue.objects.filter(name=str(name)).resting(work.now, cooldown).exists():
        raise errors.queue_existed_recently()
    queue = Queue(created_at=work.now)
    queue.rename(name)
    apply_settings(queue, settings)
    queue.save(force_insert=True)
    work.altered.add(queue.pk)
    return queue_message(queue)


def ensure_queue(work: Work, *, name: str) -> None:
    """Create a queue with every default unless it exists; its name needs no rest."""
    parsed(name)
    if not find_live(name):
        create_declared(work, name)


def create_declared(work: Work, name: str) -> Queue:
    """Create a queue with every default; its name, which is well formed, needs no rest."""
    _create(work, parsed(name), QueueMessage(), timedelta(0))
    return live_queue(name)


def get_queue(work: Work, request: Any) -> Any:
    """GetQueue."""
    return queue_message(live_queue(request.name))


def list_queues(work: Work, request: Any) -> Any:
    """ListQueues: by name, byte by byte, whatever the database's own order of letters."""
    if not is_location(request.parent):
        raise errors.location_malformed()
    size = page_size(request.page_size, MOST_A_PAGE)
    # A token belongs to its filter too, as the v2 proto documents.
    listed = f"{request.parent}?{request.filter}" if request.filter else request.parent
    after = last_seen(listed, request.page_token)
    queues = Queue.objects.live().filter(parent=request.parent)
    following = sorted((q for q in queues if q.name > after), key=lambda q: q.name)
    if request.filter:
        fits = parse_filter(request.filter)
        following = [q for q in following if fits(queue_message(q))]
    page = list(within_bytes((q.name, queue_message(q)) for q in following[:size]))
    response = ListQueuesResponse(queues=[message for _, message in page])
    if len(page) < len(following):
        response.next_page_token = page_token(listed, page[-1][0])
    return response


def update_queue(work: Work, request: Any, *, cooldown: timedelta) -> Any:
    """UpdateQueue: an empty mask replaces every setting; a missing queue is created."""
    name = parsed(request.queue.name)
    paths = [path for path in request.update_mask.paths if path not in OUTPUT_ONLY]
    queue = find_live(str(name))
    settings = request.queue
    if request.update_mask.paths:
        current = queue_message(queue) if queue else QueueMessage()
        settings = masked(current, request.queue, paths)
    check_settings(settings)
    if queue is None:
        return _create(work, name, settings, cooldown)
    apply_settings(queue, settings)
    queue.save()
    work.altered.add(queue.pk)
    return queue_message(queue)


def delete_queue(work: Work, request: Any) -> Any:
    """DeleteQueue: with all its tasks; the name rests from now on."""
    queue = find_live(str(parsed(request.name)))
    if queue is None:
        raise errors.not_found()
    queue.retire(work.now)
    work.altered.add(queue.pk)
    return in_turns(work, queue.tasks.live(), _ended(Task.Outcome.DELETED), lambda work: Empty())


def purge_queue(work: Work, request: Any, *, hard_reset: bool = False) -> Any:
    """PurgeQueue: at once, tasks under way included; a hard reset frees their names as well."""
    queue = live_queue(request.name)
    queue.purge(work.now)
    tasks = queue.tasks.all() if hard_reset else queue.tasks.live()
    turn = forget if hard_reset else _ended(Task.Outcome.PURGED)
    return in_turns(work, tasks, turn, lambda work: queue_message(queue))


def _ended(outcome: str) -> Turn:
    return lambda work, tasks: tasks.end(outcome, work.now)


def pause_queue(work: Work, request: Any) -> Any:
    """PauseQueue: nothing is dispatched any more, but by RunTask."""
    queue = live_queue(request.name)
    queue.pause()
    work.altered.add(queue.pk)
    return queue_message(queue)


def resume_queue(work: Work, request: Any) -> Any:
    """ResumeQueue: what became due meanwhile is dispatched, within the limits."""
    queue = live_queue(request.name)
    queue.resume()
    work.altered.add(queue.pk)
    return queue_message(queue)
