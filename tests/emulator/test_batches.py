"""Batches of creations and deletions, and the operations that tell what became of them."""

import pytest
from google.api_core.exceptions import Aborted, InvalidArgument, NotFound
from google.rpc import code_pb2

from tests.emulator.contract import PARENT
from tests.emulator.test_queues import NO_QUEUE
from tests.emulator.test_tasks import NOT_FOUND, URL
from tests.emulator.wires import EVERY_WIRE, fresh, refuses, said, types_of, unrecorded

WIRES = EVERY_WIRE
# All of this is documented; no answer of Google's is on record.
pytestmark = unrecorded
FULL = 2


def creation(queue, name="", url=URL, **fields):
    task = {"http_request": {"url": url, "body": b"b"}}
    if name:
        task["name"] = f"{queue}/tasks/{name}"
    return {"parent": queue, "task": task, **fields}


def create(client, queue, *creations, request_id=""):
    return client.batch_create_tasks(
        request={"parent": queue, "requests": creations, "request_id": request_id}
    )


def delete(client, queue, *names, request_id=""):
    names = [f"{queue}/tasks/{name}" for name in names]
    return client.batch_delete_tasks(
        request={"parent": queue, "names": names, "request_id": request_id}
    )


def test_a_batch_creates_what_it_can(client, paused):
    a = fresh("a")
    operation = create(
        client,
        paused,
        creation(paused, a, response_view=FULL),
        creation(paused, fresh("b"), url=""),
        creation(paused),
        creation(paused, a),
    )
    assert operation.done()
    first, unnamed = operation.result().tasks
    assert (first.name, first.http_request.body) == (f"{paused}/tasks/{a}", b"b")
    assert unnamed.http_request.body == b""
    assert first.http_request.headers["User-Agent"] == "Google-Cloud-Tasks"
    state = types_of(client).BatchCreateTasksMetadata.State
    assert operation.metadata.state == state.PARTIALLY_SUCCEEDED
    failed = {key: (each.code, each.message) for key, each in failures(operation)}
    assert failed == {
        1: (code_pb2.INVALID_ARGUMENT, "HttpRequest.url is required."),
        3: (code_pb2.ALREADY_EXISTS, "Requested entity already exists"),
    }
    assert operation.metadata.start_time <= operation.metadata.end_time
    assert {task.name for task in client.list_tasks(parent=paused)} == {first.name, unnamed.name}
    location = paused.partition("/queues/")[0]
    assert operation.operation.name.startswith(f"{location}/operations/")


def failures(operation):
    return sorted(operation.metadata.failed_requests.items())


def test_a_batch_deletes_what_it_can(client, paused):
    a, b = fresh("a"), fresh("b")
    create(client, paused, creation(paused, a), creation(paused, b))
    whole = delete(client, paused, b)
    part = delete(client, paused, a, "never")
    state = types_of(client).BatchDeleteTasksMetadata.State
    assert whole.metadata.state == state.SUCCEEDED
    assert part.metadata.state == state.PARTIALLY_SUCCEEDED
    ((index, failed),) = failures(part)
    assert (index, failed.code, failed.message) == (1, code_pb2.NOT_FOUND, NOT_FOUND)
    assert list(client.list_tasks(parent=paused)) == []


def test_a_batch_of_which_nothing_succeeds_is_aborted(client, paused):
    for operation, kind in (
        (create(client, paused, creation(paused, url="")), "Create"),
        (delete(client, paused, "a", "b"), "Delete"),
    ):
        error = operation.exception()
        assert isinstance(error, Aborted)
        assert error.message == (
            f"None of the requests succeeded, refer to Batch{kind}TasksMetadata.failed_requests "
            "for individual error details"
        )
        assert len(operation.metadata.failed_requests) == (1 if kind == "Create" else 2)


def test_a_request_id_names_the_operation_and_runs_once(client, paused):
    request_id, once = fresh("r"), fresh("once")
    first = create(client, paused, creation(paused, once), request_id=request_id)
    again = create(client, paused, creation(paused, "twice"), request_id=request_id)
    with pytest.raises(TypeError, match="BatchCreateTasksResponse"):  # so says the client
        delete(client, paused, once, request_id=request_id)
    name = f"{paused.partition('/queues/')[0]}/operations/{request_id}"
    assert first.operation.name == name
    assert first.operation == again.operation
    assert [task.name for task in client.list_tasks(parent=paused)] == [f"{paused}/tasks/{once}"]
    assert client.get_operation({"name": name}) == first.operation


def test_an_operation_that_never_was(client):
    with refuses(NotFound) as refused:
        client.get_operation({"name": f"{PARENT}/operations/none"})
    assert said(refused) == NOT_FOUND


def test_a_batch_for_a_deleted_queue_is_refused(client, own_queue):
    client.delete_queue(name=own_queue)
    for call in (
        lambda: create(client, own_queue, creation(own_queue)),
        lambda: delete(client, own_queue, "a"),
    ):
        with refuses(NotFound) as refused:
            call()
        assert said(refused) == NO_QUEUE


@pytest.mark.parametrize("size", [0, 101])
def test_a_batch_holds_between_1_and_100_creations(client, paused, size):
    with refuses(InvalidArgument, match="between 1 and 100 requests"):
        create(client, paused, *[creation(paused)] * size)


def test_a_batch_holds_at_most_1000_deletions(client, paused):
    with refuses(InvalidArgument, match="between 1 and 1000 requests"):
        delete(client, paused, *["a"] * 1001)


def test_a_batch_is_of_one_queue(client, paused):
    with refuses(InvalidArgument, match="The parent of request 1 must be the same"):
        create(client, paused, creation(paused), creation(f"{paused}-2"))
    ((_, failed),) = failures(delete(client, paused, "../../x/tasks/t"))
    assert failed.code == code_pb2.INVALID_ARGUMENT
    assert list(client.list_tasks(parent=paused)) == []


def test_a_bad_request_id_is_refused(client, paused):
    with refuses(InvalidArgument, match="request_id can contain only"):
        create(client, paused, creation(paused), request_id="a/b")
    assert list(client.list_tasks(parent=paused)) == []
