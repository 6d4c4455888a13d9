"""Whether it is well, as probes ask it over HTTP and over gRPC."""

import asyncio
import contextlib
import json
import sqlite3
import urllib.error
import urllib.request

import grpc
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from google.api_core.exceptions import ServiceUnavailable

from emulator.clock import Clock
from emulator.health import NOT_SERVING, SERVING, Health
from emulator.metrics import Metrics
from emulator.show_http import Window
from tests.emulator.conftest import PARENT, client_of
from tests.processes import EmulatorProcess, eventually

# The two messages as bytes: field 1 is a string there, and an enum here.
SERVICE = "google.cloud.tasks.v2.CloudTasks"
SERVING_BYTES, NOT_SERVING_BYTES, UNKNOWN_BYTES = b"\x08\x01", b"\x08\x02", b"\x08\x03"


def asked(service):
    return b"\x0a" + bytes([len(service)]) + service.encode() if service else b""


@pytest.fixture
def channel(emulator):
    with grpc.insecure_channel(emulator.endpoint) as channel:
        yield channel


def test_grpc_health_is_served(channel):
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    assert check(asked(""), timeout=5) == SERVING_BYTES
    assert check(asked(SERVICE), timeout=5) == SERVING_BYTES


def test_an_unknown_service_is_not_found(channel):
    with pytest.raises(grpc.RpcError) as error:
        channel.unary_unary("/grpc.health.v1.Health/Check")(asked("other"), timeout=5)
    assert error.value.code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(("service", "first"), [("", SERVING_BYTES), ("other", UNKNOWN_BYTES)])
def test_a_watch_begins_with_the_state(channel, service, first):
    states = channel.unary_stream("/grpc.health.v1.Health/Watch")(asked(service), timeout=5)
    assert next(states) == first
    states.cancel()


def test_a_watch_tells_of_a_change(monkeypatch):
    monkeypatch.setattr("emulator.health.WATCH_SECONDS", 0)
    well = iter([True, True, False])

    async def scenario():
        states = Health([], lambda: next(well)).states("")
        return [await anext(states) for _ in range(2)]

    assert asyncio.run(scenario()) == [SERVING, NOT_SERVING]


def test_health_over_http(emulator):
    with urllib.request.urlopen(f"{emulator.http_url}/health", timeout=5) as answer:  # noqa: S310
        state = json.load(answer)
    assert state["ok"] is True
    assert state["committer"] == "running"
    assert state["clock_offset"] == 0
    assert state["uptime"] > 0


@pytest.mark.parametrize(
    ("well", "alive", "status", "committer"),
    [(True, True, 200, "running"), (False, True, 503, "running"), (False, False, 503, "dead")],
)
def test_health_says_so(well, alive, status, committer):
    class Thread:
        pass

    Thread.alive = alive

    async def scenario():
        app = web.Application()
        Window(Thread(), Clock(), Metrics(), lambda: well).add_to(app)
        async with TestClient(TestServer(app)) as client:
            answer = await client.get("/health")
            return answer.status, await answer.json()

    answered, state = asyncio.run(scenario())
    assert (answered, state["ok"], state["committer"]) == (status, well, committer)


@contextlib.contextmanager
def away(own):
    """Keep the database from the emulator for as long as the block."""
    if own.database.url:
        allow = f'ALTER DATABASE "{own.database.name}" ALLOW_CONNECTIONS '
        own.database._administer(f"{allow} false")
        own.database.disconnect()
        yield
        own.database._administer(f"{allow} true")
        return
    with contextlib.closing(sqlite3.connect(own.folder / "emulator.sqlite3")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def health(own):
    try:
        with urllib.request.urlopen(f"{own.http_url}/health", timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_it_is_well_again_soon_after_an_outage_without_a_call(tmp_path):
    with EmulatorProcess(tmp_path) as own, client_of(own.endpoint) as client:
        with away(own):
            with pytest.raises(ServiceUnavailable):
                client.pause_queue(name=f"{PARENT}/queues/default")
            assert health(own) == 503
        eventually(lambda: health(own) == 200, 10)
        with grpc.insecure_channel(own.endpoint) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            assert check(asked(""), timeout=5) == SERVING_BYTES
