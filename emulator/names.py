"""Names of queues and tasks as the v2 API documents them: pure rules, no Django, no gRPC."""

import random
import re
from dataclasses import dataclass

_LOCATION = r"projects/[A-Za-z0-9:.-]{1,200}/locations/[A-Za-z0-9-]{1,60}"
_PARENT = re.compile(_LOCATION)
_QUEUE = re.compile(rf"(?P<parent>{_LOCATION})/queues/(?P<id>[^/\s]+)")
_TASK = re.compile(rf"(?P<queue>{_LOCATION}/queues/[A-Za-z0-9-]+)/tasks/(?P<id>.+)", re.DOTALL)
_QUEUE_ID = re.compile(r"[A-Za-z0-9-]{1,100}")
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,500}")


@dataclass(frozen=True)
class QueueName:
    """A queue's full name in its two parts; `id` may still break the rules of `valid_queue_id`."""

    parent: str
    id: str

    def __str__(self) -> str:
        return f"{self.parent}/queues/{self.id}"


@dataclass(frozen=True)
class TaskName:
    """A task's full name: its queue's full name and its id, which `valid_task_id` judges."""

    queue: str
    id: str

    def __str__(self) -> str:
        return f"{self.queue}/tasks/{self.id}"


def is_location(name: str) -> bool:
    """Say whether `name` is `projects/P/locations/L`."""
    return _PARENT.fullmatch(name) is not None


def parse_queue_name(name: str) -> QueueName | None:
    """Split `projects/P/locations/L/queues/Q`, or return None where it is not formed so."""
    match = _QUEUE.fullmatch(name)
    return QueueName(match["parent"], match["id"]) if match else None


def parse_task_name(name: str) -> TaskName | None:
    """Split `projects/P/locations/L/queues/Q/tasks/T`, or return None where it is not formed so."""
    match = _TASK.fullmatch(name)
    return TaskName(match["queue"], match["id"]) if match else None


def valid_queue_id(queue_id: str) -> bool:
    """Letters, digits and hyphens, 1 to 100 of them."""
    return _QUEUE_ID.fullmatch(queue_id) is not None


def valid_task_id(task_id: str) -> bool:
    """Letters, digits, hyphens and underscores, 1 to 500 of them."""
    return _TASK_ID.fullmatch(task_id) is not None


def new_task_id() -> str:
    """Make an id for an unnamed task: 20 decimal digits, a leading zero being as good as any."""
    return f"{random.getrandbits(64):020d}"  # noqa: S311 - it is no secret


def full_queue_name(name: str, project: str, location: str) -> str:
    """Complete a queue's short id; a full name is returned as it is."""
    return name if "/" in name else f"projects/{project}/locations/{location}/queues/{name}"
