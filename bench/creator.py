"""A client in a process of its own that creates tasks: `python -m bench.creator`.

`official` is Google's client, one call at a time; `raw` the cheapest client, one call at a time;
`piped` the cheapest with many calls on their way.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

from bench import wire
from bench.worker import answer, messages

WINDOW = 64


@dataclass(frozen=True)
class Job:
    """What to create: at most `count` tasks in at most `seconds`, `rate` a second if not 0."""

    endpoint: str
    queues: list[str]
    url: str
    kind: str = "official"
    label: str = ""
    count: int = 1_000_000_000
    seconds: float = 600.0
    rate: float = 0.0
    hours: float = 0.0


Create = Callable[[str, str], None]
Finish = Callable[[], None]


def official(channel: Any, job: Job) -> tuple[Create, Finish]:
    """Create with Google's client, as its documentation shows it."""
    client = tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))

    def create(queue: str, url: str) -> None:
        request = tasks_v2.HttpRequest(url=url, body=wire.BODY)
        client.create_task(parent=queue, task=tasks_v2.Task(http_request=request))

    return create, nothing


def raw(channel: Any, job: Job) -> tuple[Create, Finish]:
    """Create and leave the answer's bytes unread."""
    call = wire.caller(channel, "CreateTask")

    def create(queue: str, url: str) -> None:
        call(wire.task_bytes(queue, url, job.hours))

    return create, nothing


def piped(channel: Any, job: Job) -> tuple[Create, Finish]:
    """Create without waiting for an answer until too many are missing."""
    call: Any = wire.caller(channel, "CreateTask")
    under_way: deque[Any] = deque()

    def create(queue: str, url: str) -> None:
        if len(under_way) == WINDOW:
            under_way.popleft().result()
        under_way.append(call.future(wire.task_bytes(queue, url, job.hours)))

    def finish() -> None:
        while under_way:
            under_way.popleft().result()

    return create, finish


def nothing() -> None:
    """End a job of which every call has been answered."""


KINDS = {"official": official, "raw": raw, "piped": piped}


def run(job: Job, create: Create, finish: Finish) -> dict[str, float]:
    """Create as the job says; each URL ends in the task's id and the moment before the call."""
    began = time.monotonic()
    created = 0
    while created < job.count and (now := time.monotonic()) < began + job.seconds:
        if job.rate and (early := began + created / job.rate - now) > 0:
            time.sleep(early)
        queue = job.queues[created % len(job.queues)]
        create(queue, f"{job.url}/{job.label}-{created}/{time.monotonic():.6f}")
        created += 1
    finish()
    return {"created": created, "began": began, "seconds": time.monotonic() - began}


def main() -> None:
    """Connect, say so, wait for the word, create, and say how much; for as long as asked."""
    told = messages()
    for fields in told:
        job = Job(**fields)
        channel = wire.open_channel(job.endpoint)
        wire.caller(channel, "ListQueues")(
            tasks_v2.ListQueuesRequest.pb()(parent=wire.PARENT).SerializeToString()
        )
        create, finish = KINDS[job.kind](channel, job)
        answer("ready")
        next(told)
        answer(run(job, create, finish))
        channel.close()


if __name__ == "__main__":
    main()
