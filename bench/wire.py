"""The cheapest client there is: Google's messages on a bare gRPC channel."""

import time
from collections.abc import Callable
from typing import Any

import grpc
from google.cloud import tasks_v2

PARENT = "projects/bench/locations/us-central1"
DEFAULT_QUEUE = f"{PARENT}/queues/default"
BODY = b'{"body": "' + b"x" * 1000 + b'"}'
_OPTIONS = [("grpc.use_local_subchannel_pool", 1)]  # or clients of one process share a connection


def queue_name(number: int) -> str:
    """Return the full name of one queue of the bench."""
    return f"{PARENT}/queues/q{number}"


def open_channel(endpoint: str) -> Any:
    """Return a channel with a connection of its own."""
    return grpc.insecure_channel(endpoint, options=_OPTIONS)


def caller(channel: Any, method: str) -> Callable[..., Any]:
    """Return a function that sends bytes to a method of v2 and returns the answer's, unread."""
    return channel.unary_unary(f"/google.cloud.tasks.v2.CloudTasks/{method}")


def task_bytes(queue: str, url: str, hours: float = 0) -> bytes:
    """Return a CreateTask request with a body of 1 KB, due now or in so many hours."""
    request = tasks_v2.CreateTaskRequest.pb()(parent=queue)
    request.task.http_request.url = url
    request.task.http_request.body = BODY
    if hours:
        request.task.schedule_time.FromSeconds(int(time.time() + hours * 3600))
    return request.SerializeToString()


class Api:
    """What the bench asks of a server, whichever it is."""

    def __init__(self, endpoint: str) -> None:
        self.channel = open_channel(endpoint)

    def close(self) -> None:
        """End the connection."""
        self.channel.close()

    def send(self, method: str, request: Any) -> bytes:
        """Call a method of v2 with one of Google's own messages."""
        data = request.SerializeToString()
        return bytes(caller(self.channel, method)(data, timeout=60))

    def list_queues(self) -> None:
        """Ask for the queues of the bench's project."""
        self.send("ListQueues", tasks_v2.ListQueuesRequest.pb()(parent=PARENT))

    def make_queue(self, name: str, rate: float = 0, concurrent: int = 0) -> str:
        """Make a queue, with Google's defaults (500/s, 1000 at once) where a limit is 0."""
        request = tasks_v2.CreateQueueRequest.pb()(parent=PARENT)
        request.queue.name = name
        if rate:
            request.queue.rate_limits.max_dispatches_per_second = rate
        if concurrent:
            request.queue.rate_limits.max_concurrent_dispatches = concurrent
        self.send("CreateQueue", request)
        return name

    def pause(self, name: str) -> None:
        """Hold a queue's tasks back."""
        self.send("PauseQueue", tasks_v2.PauseQueueRequest.pb()(name=name))

    def resume(self, name: str) -> None:
        """Let a queue's tasks go."""
        self.send("ResumeQueue", tasks_v2.ResumeQueueRequest.pb()(name=name))

    def has_tasks(self, name: str) -> bool:
        """Say whether a queue holds any task."""
        data = self.send("ListTasks", tasks_v2.ListTasksRequest.pb()(parent=name, page_size=1))
        return bool(tasks_v2.ListTasksResponse.pb().FromString(data).tasks)
