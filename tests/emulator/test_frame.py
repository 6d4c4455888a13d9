"""What holds the parts together: the README, the checks, the watch on the clock, the bytes kept."""

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksTransport

import emulator
from emulator.checks import database_is_its_own, targets_are_hosts
from emulator.dispatcher import Dispatcher
from emulator.methods import Windows, methods
from emulator.upkeep import clamp_retries

README = (Path(emulator.__path__[0]) / "README.md").read_text(encoding="utf-8")


def test_the_readme_says_what_is_served():
    rows = re.findall(r"^\| ([A-Z]\w+) \| (.+) \|$", README, re.M)
    served = {name for name, fidelity in rows if fidelity != "not yet"}
    assert served == {method.name for method in methods(Windows())}
    assert {name.lower() for name, _ in rows} == rpcs_of_the_client()


def rpcs_of_the_client():
    """Every RPC that the official client knows of this service, in small letters."""
    calls = {name for name, each in vars(CloudTasksTransport).items() if isinstance(each, property)}
    shared = {
        "kind",
        "host",
        "operations_client",
        "get_operation",
        "list_locations",
        "get_location",
    }
    return {name.replace("_", "") for name in calls - shared}


@pytest.mark.parametrize(
    "option", ["--host", "--port", "--queue", "--task-tombstone", "--keep-ended SECONDS", "-v 2"]
)
def test_the_readme_has_the_options(option):
    assert f"`{option}" in README


@pytest.mark.parametrize("target", ["web", "web:8080", "10.0.0.1", "[fd00::1]:80", "a.b-c_d"])
def test_a_host_is_a_target(settings, target):
    settings.EMULATOR_TARGETS = [target]
    assert targets_are_hosts(None) == []


@pytest.mark.parametrize("target", ["http://web", "web:http", "*.web", "web/path", "fd00::1"])
def test_what_is_no_host_is_found_before_the_start(settings, target):
    settings.EMULATOR_TARGETS = [target]
    (error,) = targets_are_hosts(None)
    assert error.id == "emulator.E001"
    assert target in error.msg


def test_a_shared_sqlite_file_is_warned_of(monkeypatch):
    assert database_is_its_own(None) == []
    same = {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}
    databases = SimpleNamespace(DATABASES={"default": same, "emulator": same})
    monkeypatch.setattr("emulator.checks.settings", databases)
    assert [each.id for each in database_is_its_own(None)] == ["emulator.W001"]


def test_a_clock_that_jumps_is_noticed(monkeypatch):
    ran, clock = [], iter([100.0, 101.0, 5000.0, 5000.0])

    class Committer:
        async def run(self, operation):
            ran.append(operation)

    async def main():
        dispatcher = Dispatcher()
        dispatcher._committer = Committer()
        with pytest.raises(StopAsyncIteration):
            await dispatcher.watch_clock()

    def read():
        if (now := next(clock, None)) is None:
            raise StopAsyncIteration
        return now

    monkeypatch.setattr("emulator.dispatcher.CLOCK_CHECK_SECONDS", 0)
    monkeypatch.setattr("emulator.dispatcher.time.time", read)
    monkeypatch.setattr("emulator.dispatcher.time.monotonic", lambda: 0.0)
    asyncio.run(main())
    assert ran == [clamp_retries]
