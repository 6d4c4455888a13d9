"""Every RPC that is served: its messages and its operation. gRPC reads this table; so can REST."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from google.cloud.location import locations_pb2
from google.iam.v1 import iam_policy_pb2, policy_pb2
from google.longrunning import operations_proto_pb2 as operations_pb2
from google.protobuf.empty_pb2 import Empty

from . import batches, creating, places, policies, queues, tasks
from .google_types import tasks_v2
from .messages import QueueMessage, TaskMessage
from .work import Group, Work

LOCATIONS = "google.cloud.location.Locations"
OPERATIONS = "google.longrunning.Operations"


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
    """One RPC: `operation` takes the work and a `request`, and returns a `response`.

    Where many calls go together, `group` makes each of them from its request.
    """

    name: str
    request: Any
    response: Any
    operation: Callable[[Work, Any], Any]
    group: Callable[[Any], Group] | None = None


def methods(
    windows: Windows, switches: Switches = Switches(), ask: creating.Ask | None = None
) -> list[Method]:
    """Return the table, with the times that names rest and the switches filled in.

    `ask` says whether a queue has room for the first attempt of a task that is being created.
    """
    cooldown, tombstone = windows.queue_cooldown, windows.task_tombstone
    rules: Any = {"tombstone": tombstone, "https_tokens": switches.strict_https_tokens}
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
               partial(creating.create_task, **rules),
               partial(creating.Create, **rules, ask=ask)),
        Method("GetTask", v2.GetTaskRequest.pb(), TaskMessage,
               partial(tasks.get_task, tombstone=tombstone)),
        Method("ListTasks", v2.ListTasksRequest.pb(), tasks.ListTasksResponse, tasks.list_tasks),
        Method("DeleteTask", v2.DeleteTaskRequest.pb(), Empty,
               partial(tasks.delete_task, tombstone=tombstone)),
        Method("RunTask", v2.RunTaskRequest.pb(), TaskMessage,
               partial(tasks.run_task, tombstone=tombstone)),
        Method("BatchCreateTasks", v2.BatchCreateTasksRequest.pb(), operations_pb2.Operation,
               partial(batches.batch_create, tombstone=tombstone,
                       https_tokens=switches.strict_https_tokens)),
        Method("BatchDeleteTasks", v2.BatchDeleteTasksRequest.pb(), operations_pb2.Operation,
               partial(batches.batch_delete, tombstone=tombstone)),
        Method("GetIamPolicy", iam_policy_pb2.GetIamPolicyRequest, policy_pb2.Policy,
               policies.get_policy),
        Method("SetIamPolicy", iam_policy_pb2.SetIamPolicyRequest, policy_pb2.Policy,
               policies.set_policy),
        Method("TestIamPermissions", iam_policy_pb2.TestIamPermissionsRequest,
               iam_policy_pb2.TestIamPermissionsResponse, policies.test_permissions),
        Method("GetCmekConfig", v2.GetCmekConfigRequest.pb(), places.CmekMessage, places.get_cmek),
        Method("UpdateCmekConfig", v2.UpdateCmekConfigRequest.pb(), places.CmekMessage,
               places.update_cmek),
    ]  # fmt: skip


def mixins() -> dict[str, list[Method]]:
    """Return the services that Google's clients call on the same address, whatever the version."""
    return {
        LOCATIONS: [
            Method("ListLocations", locations_pb2.ListLocationsRequest,
                   locations_pb2.ListLocationsResponse, places.list_locations),
            Method("GetLocation", locations_pb2.GetLocationRequest, locations_pb2.Location,
                   places.get_location),
        ],
        OPERATIONS: [
            Method("GetOperation", operations_pb2.GetOperationRequest, operations_pb2.Operation,
                   batches.get_operation),
        ],
    }  # fmt: skip
