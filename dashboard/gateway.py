"""The one door to Cloud Tasks, Google's or a local one: nothing else here imports its client.

CLOUD_TASKS_ENDPOINT empty means Google's service with default credentials; anything else is a
plaintext address. What goes wrong comes out as one of `errors`, with a sentence to show. It is
one long file so that the client library, its retries and its errors are known in one place.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from django.conf import settings

from . import cache
from .drafts import Draft
from .errors import (
    Denied,
    GatewayError,
    NoCredentials,
    NotFound,
    Refused,
    UnknownOutcome,
    Unreachable,
)
from .names import parent, short
from .resources import Depth, Queue, Task, mask_path, queue_message, task_message

T = TypeVar("T")

READ_SECONDS = 3.0  # a page waits no longer for a read
TRY_SECONDS = 10.0  # one try of a call that changes something
ALL_SECONDS = 30.0  # all tries of one CreateTask together
FIRST_WAIT, LONGEST_WAIT = 0.2, 3.0

_lock = threading.Lock()
_clients: dict[tuple[int, str, Any], Any] = {}


# Tasks ------------------------------------------------------------------------------------
def create_task(draft: Draft, *, random_name: bool, maybe_sent: bool = False) -> None:
    """Create the task, asking again with the same name while the outcome is not known.

    `random_name` says that nobody else can have made this name, so that ALREADY_EXISTS on a
    later try, or on the first after `maybe_sent`, is the success whose answer was lost. Raises a
    GatewayError; after UnknownOutcome the task may exist, after any other it does not.
    """
    try:
        _create_until_known(task_message(draft), draft.queue, random_name, maybe_sent)
    finally:
        cache.clear(__name__)


def _create_until_known(task: Any, queue: str, random_name: bool, maybe_sent: bool) -> None:
    deadline = time.monotonic() + ALL_SECONDS
    wait = FIRST_WAIT
    while True:
        left = deadline - time.monotonic()
        try:
            _call("create_task", min(TRY_SECONDS, left), parent=queue, task=task)
            return
        except Refused as error:
            if maybe_sent and error.status == "ALREADY_EXISTS":
                if random_name:
                    return
                raise UnknownOutcome(f"An earlier try may have made it: {error}") from error
            if error.status != "RESOURCE_EXHAUSTED" or "larger than max" in str(error):
                raise
            failure: GatewayError = error
        except UnknownOutcome as error:
            failure, maybe_sent = error, True
        except Unreachable as error:
            if maybe_sent:
                raise UnknownOutcome(f"The answer was lost, and now: {error}") from error
            raise
        if time.monotonic() + wait >= deadline:
            raise failure
        time.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)


def create_tasks(drafts: Sequence[Draft], seconds: float) -> list[GatewayError | None]:
    """Try to create these tasks, once each and all at a time, within `seconds`.

    Returns for each what came of it: None where Cloud Tasks said yes. The calls wait for their
    answers in gRPC, not in threads of ours.
    """
    try:
        with _sentences():
            calls = [_begin(draft, seconds) for draft in drafts]
        return [_outcome(call) for call in calls]
    except NoCredentials as error:
        return [error] * len(drafts)
    finally:
        cache.clear(__name__)


def _begin(draft: Draft, seconds: float) -> Any:
    from google.api_core.gapic_v1.routing_header import to_grpc_metadata
    from google.cloud.tasks_v2.types import CreateTaskRequest

    request = CreateTaskRequest(parent=draft.queue, task=task_message(draft))
    metadata = [to_grpc_metadata((("parent", draft.queue),))]
    create = _client().transport.create_task
    return create.future(request, timeout=seconds, metadata=metadata)


def _outcome(call: Any) -> GatewayError | None:
    from google.api_core.exceptions import from_grpc_error

    error = call.exception()
    return _ours(from_grpc_error(error)) if error else None


# That it is not there is not kept: it may be made in this moment, and would be taken for gone.
@cache.kept_for(2, Unreachable, NoCredentials, UnknownOutcome, Denied)
def get_task(name: str) -> Task:
    """Return the task of this full name; NotFound where it has ended or never was."""
    return Task.from_api(_read("get_task", name=name))


def run_task(name: str) -> None:
    """Dispatch a task at once, whatever its time and its queue's state or rate.

    Raises NotFound where it has ended; after UnknownOutcome it may be under way.
    """
    _change_task("run_task", name)


def delete_task(name: str) -> None:
    """Delete a task for good; an attempt under way is not stopped. NotFound where it has ended."""
    _change_task("delete_task", name)


@cache.kept_for(3, GatewayError)
def list_tasks(queue: str, page_token: str = "", page_size: int = 50) -> tuple[list[Task], str]:
    """Return one page of a queue's tasks and the token of the next page, empty on the last."""
    request = {"parent": queue, "page_token": page_token, "page_size": page_size}
    page = next(_read("list_tasks", request=request).pages)
    return [Task.from_api(task) for task in page.tasks], page.next_page_token


# Queues -----------------------------------------------------------------------------------
@cache.kept_for(3, GatewayError)
def list_queues(location: str = "") -> list[Queue]:
    """Return the queues of a location, by name; at most 1,000, Google's own limit a project."""
    request = {"parent": parent(location=location), "page_size": 1000}
    page = next(_read("list_queues", request=request).pages)
    return [Queue.from_api(queue) for queue in page.queues]


@cache.kept_for(3, GatewayError)
def get_queue(name: str) -> Queue:
    """Return one queue by its full name."""
    return Queue.from_api(_read("get_queue", name=name))


@cache.kept_for(10, GatewayError)
def queue_depths(location: str = "") -> dict[str, Depth]:
    """Return how full the queues of a location are, by their short ids.

    Only v2beta3 tells; Google's figures are estimates and some seconds old.
    """
    from google.cloud.tasks_v2beta3 import CloudTasksClient
    from google.cloud.tasks_v2beta3.services.cloud_tasks.transports import CloudTasksGrpcTransport

    request = {
        "parent": parent(location=location),
        "page_size": 1000,
        "read_mask": {"paths": ["name", "stats"]},
    }
    kinds = (CloudTasksClient, CloudTasksGrpcTransport)
    page = next(_read("list_queues", kinds, request=request).pages)
    return {short(queue.name): Depth.from_api(queue.stats) for queue in page.queues}


def create_queue(name: str, limits: dict[str, float | None]) -> Queue:
    """Create a queue; a limit left out or None takes Google's default."""
    queue = queue_message(name, limits)
    return _change("create_queue", parent=name.rsplit("/queues/", 1)[0], queue=queue)


def update_queue(name: str, limits: dict[str, float | None]) -> Queue:
    """Change these limits of a queue and no others; None sets one back to its default."""
    mask = {"paths": sorted(mask_path(limit) for limit in limits)}
    return _change("update_queue", queue=queue_message(name, limits), update_mask=mask)


def pause_queue(name: str) -> Queue:
    """Stop dispatching; tasks can still be added."""
    return _change("pause_queue", name=name)


def resume_queue(name: str) -> Queue:
    """Dispatch again."""
    return _change("resume_queue", name=name)


def purge_queue(name: str) -> Queue:
    """Delete every task that is in the queue now, for good."""
    return _change("purge_queue", name=name)


def delete_queue(name: str) -> None:
    """Delete a queue with every task in it; its name rests for days then."""
    try:
        _call("delete_queue", TRY_SECONDS, name=name)
    finally:
        cache.clear(__name__)


# Calls ------------------------------------------------------------------------------------
def _change_task(method: str, name: str) -> None:
    try:
        _call(method, TRY_SECONDS, name=name)
    finally:
        cache.clear(__name__)


def _change(method: str, **request: Any) -> Queue:
    try:
        return Queue.from_api(_call(method, TRY_SECONDS, **request))
    finally:
        cache.clear(__name__)


def _read(method: str, kinds: Any = (), **request: Any) -> Any:
    try:
        return _call(method, READ_SECONDS, kinds, **request)
    except UnknownOutcome as error:
        raise Unreachable(str(error)) from error


def _call(method: str, timeout: float, kinds: Any = (), **request: Any) -> Any:
    """Call the client once, without its own retries; raises a GatewayError."""
    with _sentences():
        return getattr(_client(*kinds), method)(**request, retry=None, timeout=timeout)


def _v2() -> Any:
    from google.cloud.tasks_v2 import CloudTasksClient
    from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

    return CloudTasksClient, CloudTasksGrpcTransport


def _client(*kinds: Any) -> Any:
    """Return the process's client, made on first use: a forked child makes its own."""
    kinds = kinds or _v2()
    key = (os.getpid(), settings.CLOUD_TASKS_ENDPOINT, kinds)
    with _lock:
        if key not in _clients:
            _clients[key] = _make_client(settings.CLOUD_TASKS_ENDPOINT, *kinds)
        return _clients[key]


def _make_client(endpoint: str, client: Any, transport: Any) -> Any:
    if not endpoint:
        return client()
    import grpc

    # Without the backoff options a service that starts late stays "away" for up to two minutes.
    options = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1000),
        ("grpc.max_reconnect_backoff_ms", 1000),
    ]
    channel = grpc.insecure_channel(endpoint, options=options)
    return client(transport=transport(channel=channel))


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn the client's exceptions into ours."""
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except GoogleAuthError as error:
        raise NoCredentials(
            "There are no Google credentials to send with. On a laptop run "
            "gcloud auth application-default login; in the cloud give the service an account."
        ) from error
    except GoogleAPICallError as error:
        raise _ours(error) from error


def _ours(error: Any) -> GatewayError:
    status = error.grpc_status_code.name if error.grpc_status_code else "UNKNOWN"
    text = error.message or "no text"
    # The channel's own words where no connection was made, so where nothing can have been sent.
    if status == "UNAVAILABLE" and "failed to connect" in text:
        return Unreachable(_away())
    if status in ("DEADLINE_EXCEEDED", "UNAVAILABLE", "UNKNOWN", "CANCELLED"):
        return UnknownOutcome(f"Cloud Tasks did not answer for certain ({status}: {text}).")
    kind: Callable[..., Refused] = {
        "NOT_FOUND": NotFound,
        "PERMISSION_DENIED": Denied,
        "UNAUTHENTICATED": Denied,
    }.get(status, Refused)
    return kind(f"{status}: {text}", status)


def _away() -> str:
    if endpoint := settings.CLOUD_TASKS_ENDPOINT:
        return (
            f"The local Cloud Tasks at {endpoint} does not answer. "
            "Start it with: python manage.py runemulator"
        )
    return "Google Cloud Tasks cannot be reached from here. Check this machine's network."
