"""`pytest_plugins = ["emulator.pytest_plugin"]` gives tests the fixture `cloud_tasks`."""

from collections.abc import Iterator

import pytest

from .testing import EmulatorForTests


@pytest.fixture(scope="session")
def cloud_tasks_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorForTests]:
    """One emulator for the whole run; it takes a second to start."""
    with EmulatorForTests(tmp_path_factory.mktemp("cloud-tasks")) as running:
        yield running


@pytest.fixture
def cloud_tasks(cloud_tasks_process: EmulatorForTests) -> Iterator[EmulatorForTests]:
    """A local Cloud Tasks with nothing in it, and nothing of this test in it afterwards."""
    cloud_tasks_process.reset(queues=True)
    yield cloud_tasks_process
    cloud_tasks_process.reset(queues=True)
