"""Every RPC that is served: its messages and its operation. gRPC reads this table; so can REST."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from google.cloud import tasks_v2
from google.protobuf.empty_pb2 import Empty

from . import queues, tasks
from .messages import QueueMessage, TaskMessage
from .work import Work

SERVICE = "google.cloud.tasks.v2.CloudTasks"


@dataclass(frozen=True)
class Windows:
    """How long names rest: of tasks after their end, of queues after their deletion."""

    task_tombstone: timedelta = timedelta(hours=1)
    queue_cooldown: timedelta = timedelta(days=7)


@dataclass(frozen=True)
class Switches:
    """What the API does otherwise where that was asked for."""

    strict_https_tokens: bool = False  # refuse a token for http://, as Google does
    strict_routing_header: bool = False  # refuse a gRPC call without x-goog-request-params
    hard_reset_on_purge: bool = False  # a purge forgets the names of its tasks too


@dataclass(frozen=True)
class Method:
    """One RPC: `operation` takes the work and a `request`, and returns a `response`."""

    name: str
    request: Any
    response: Any
    operation: Callable[[Work, Any], Any]


def methods(windows: Windows, switches: Switches = Switches()) -> list[Method]:
    """Return the table, with the times that names rest and the switches filled in."""
    cooldown, tombstone = windows.queue_cooldown, windows.task_tombstone
    v2: Any = tasks_v2
    return [
        Method("CreateQueue", v2.CreateQueueRequest.pb(), QueueMessage,
               partial(queues.create_queue, cooldown=cooldown)),
        Method("GetQueue", v2.GetQueueRequest.pb(), QueueMessage, queues.get_queue),
        Method("ListQueues", v2.ListQueuesRequest.pb(), queues.ListQueuesResponse,
               queues.list_queues),
        Method("UpdateQueue", v2.UpdateQueueRequest.pb(), QueueMessage,
               partial(queues.update_queue, cooldown=cooldown)),
        Method("DeleteQueue", v2.DeleteQueueRequest.pb(), Empty, queues.delete_queue),
        Method("PurgeQueue", v2.PurgeQueueRequest.pb(), QueueMessage,
               partial(queues.purge_queue, hard_reset=switches.hard_reset_on_purge)),
        Method("PauseQueue", v2.PauseQueueRequest.pb(), QueueMessage, queues.pause_queue),
        Method("ResumeQueue", v2.ResumeQueueRequest.pb(), QueueMessage, queues.resume_queue),
        Method("CreateTask", v2.CreateTaskRequest.pb(), TaskMessage,
               partial(tasks.create_task, tombstone=tombstone,
                       https_tokens=switches.strict_https_tokens)),
        Method("GetTask", v2.GetTaskRequest.pb(), TaskMessage,
               partial(tasks.get_task, tombstone=tombstone)),
        Method("ListTasks", v2.ListTasksRequest.pb(), tasks.ListTasksResponse, tasks.list_tasks),
        Method("DeleteTask", v2.DeleteTaskRequest.pb(), Empty,
               partial(tasks.delete_task, tombstone=tombstone)),
        Method("RunTask", v2.RunTaskRequest.pb(), TaskMessage,
               partial(tasks.run_task, tombstone=tombstone)),
    ]  # fmt: skip
