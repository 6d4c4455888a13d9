"""The contract tests against a real queue, whose full name is in CONTRACT_QUEUE.

Nothing lists the tests that run there: what a test asks for (`why_not`) and what it calls (`Guard`)
decide. Without the variable nothing of this is used, and no call leaves the machine.
"""

import contextlib
import os
import re
import time
from datetime import timedelta
from functools import partial

import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import tasks_v2, tasks_v2beta3

QUEUE = os.environ.get("CONTRACT_QUEUE", "")
MAKES_QUEUES = os.environ.get("CONTRACT_MAKES_QUEUES") == "1"
# The two that only the test of this mode sets: another address than Google's, and more haste.
ENDPOINT = os.environ.get("CONTRACT_ENDPOINT", "")
CALLS_A_SECOND = float(os.environ.get("CONTRACT_CALLS_A_SECOND", "5"))
PARENT = QUEUE.partition("/queues/")[0] or "projects/demo/locations/us-central1"
# How far the clock there may be from the one here.
SKEW = timedelta(seconds=5 if QUEUE else 0)

_FULL_NAME = re.compile(r"projects/[^/]+/locations/[^/]+/queues/[A-Za-z0-9-]+")
# Fixtures for what only the emulator can do, or for a target that only this machine reaches.
_POWERS = {"emulator", "target", "target_server", "raw_target", "stored_queue", "store_task"}
_OF_QUEUES = {"CreateQueueRequest", "UpdateQueueRequest", "DeleteQueueRequest"}
_OF_MORE = {"SetIamPolicyRequest", "UpdateCmekConfigRequest"}


def why_not(item):
    """Say why a test does not run against a real queue, "" for one that does."""
    if powers := _POWERS & set(item.fixturenames):
        return f"emulator only: it uses {', '.join(sorted(powers))}"
    if not getattr(item.module, "WIRES", ()) or "client" not in item.fixturenames:
        return "emulator only: it is no contract of a client"
    if mark := item.get_closest_marker("emulator_only"):
        return f"emulator only: {mark.args[0]}"
    return ""


def choose(item):
    """Skip a test that cannot run against a real queue; let the answers not on record differ."""
    if reason := why_not(item):
        item.add_marker(pytest.mark.skip(reason=reason))
    elif item.get_closest_marker("unrecorded"):
        item.add_marker(pytest.mark.xfail(reason="Google's answer is not on record", strict=False))


class Guard:
    """Stands before every call of a client: paces it, and lets it do no more than was allowed."""

    def __init__(self, clock=time.monotonic, sleep=time.sleep):
        self.made = set()
        self._clock, self._sleep = clock, sleep
        self._next = clock()

    def put_before(self, client):
        """Take the place of the client's calls, those of its pages included."""
        methods = client.transport._wrapped_methods
        methods.update({key: partial(self.call, rpc) for key, rpc in methods.items()})
        return client

    def call(self, rpc, request, **options):
        """Make a call in its turn, or skip the test that is not allowed it."""
        kind, name = type(request).__name__, _named(request)
        self._check(kind, name)
        now = self._clock()
        self._sleep(max(0.0, self._next - now))
        self._next = max(now, self._next) + 1 / CALLS_A_SECOND
        answer = rpc(request, **options)
        if kind == "DeleteQueueRequest":
            self.made.discard(name)
        elif kind in _OF_QUEUES:
            self.made.add(name)
        return answer

    def _check(self, kind, name):
        if kind in _OF_MORE:
            pytest.skip(f"emulator only: {kind} would change more than a queue")
        project = re.match("projects/([^/]+)/", name)
        if project and not name.startswith(f"{PARENT.partition('/locations/')[0]}/"):
            pytest.skip(f"emulator only: it asks about {project[0]}")
        if kind not in _OF_QUEUES:
            return
        assert name != QUEUE or kind == "CreateQueueRequest", f"{kind} of the queue that was lent"
        if not MAKES_QUEUES and name != QUEUE:
            pytest.skip("it makes queues, for which CONTRACT_MAKES_QUEUES=1 asks")


def _named(request):
    """Return the name that a request is about: of a queue in it, else its own."""
    if "queue" in type(request).__name__.lower() and hasattr(request, "queue"):
        return request.queue.name
    names = (getattr(request, field, "") for field in ("parent", "name", "resource"))
    return next(filter(None, names), "")


def connect(wire, guard):
    """Return the official client with default credentials, as in the cloud."""
    api = tasks_v2beta3 if wire.startswith("v2beta3") else tasks_v2
    return guard.put_before(
        api.CloudTasksClient(
            transport="rest" if wire.endswith("REST") else "grpc",
            client_options={"api_endpoint": ENDPOINT} if ENDPOINT else None,
        )
    )


@contextlib.contextmanager
def borrowed():
    """Hold the real queue, which must be empty; it is left as it was, and nothing made remains."""
    if not _FULL_NAME.fullmatch(QUEUE):
        pytest.exit(f"CONTRACT_QUEUE={QUEUE!r} is no full name of a queue.", 2)
    guard = Guard()
    try:
        connected = connect("v2 gRPC", guard)
    except DefaultCredentialsError as error:
        pytest.exit(f"CONTRACT_QUEUE needs default credentials: {error}", 2)
    with connected as client:
        before = client.get_queue(name=QUEUE).state
        if next(iter(client.list_tasks(parent=QUEUE)), None):
            pytest.exit(f"{QUEUE} holds tasks; the contract tests need a queue of their own.", 2)
        client.pause_queue(name=QUEUE)
        try:
            yield guard
        finally:
            empty(client)
            for name in sorted(guard.made):
                with contextlib.suppress(GoogleAPICallError):
                    client.delete_queue(name=name)
            if before == tasks_v2.Queue.State.RUNNING:
                client.resume_queue(name=QUEUE)


def empty(client):
    """Delete every task of the real queue: they are the tests' own."""
    for task in list(client.list_tasks(parent=QUEUE)):
        with contextlib.suppress(GoogleAPICallError):
            client.delete_task(name=task.name)
