"""One emulator for the tests of its own paths, reset after each of them."""

import uuid

import pytest

from tests.emulator.conftest import PARENT, client_of
from tests.emulator.control import Asker
from tests.processes import EmulatorProcess


@pytest.fixture(scope="package")
def own(tmp_path_factory):
    """An emulator whose clock and tasks are nobody else's."""
    with EmulatorProcess(tmp_path_factory.mktemp("control")) as running:
        yield running


@pytest.fixture(scope="package")
def client(own):
    client = client_of(own.endpoint)
    yield client
    client.transport.close()


@pytest.fixture
def ask(own):
    asker = Asker(own.http_url)
    yield asker
    assert asker.post("reset", queues=1)[0] == 200


@pytest.fixture
def queue(ask, client):
    name = f"{PARENT}/queues/q-{uuid.uuid4().hex[:12]}"
    return client.create_queue(parent=PARENT, queue={"name": name}).name


def names(requests):
    """Return the ids of the tasks that arrived, in order."""
    return [each.header("X-CloudTasks-TaskName") for each in requests]
