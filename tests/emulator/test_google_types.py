"""The message classes come without the client, which still comes when it is asked for."""

import subprocess
import sys

import pytest

HEAVY = "['requests', 'google.auth', 'google.api_core', 'google.cloud.tasks_v2.services']"


def said_by(program):
    """Run a program in an interpreter that has imported nothing yet; returns what it prints."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_messages_alone_bring_no_client_along():
    assert (
        said_by(
            "import sys; from emulator import google_types as g; "
            "print(g.tasks_v2.Task.pb()(name='t').name, "
            "g.tasks_v2beta3.Queue.pb().DESCRIPTOR.name, "
            f"[each for each in {HEAVY} if each in sys.modules])"
        )
        == "t Queue []"
    )


@pytest.mark.parametrize(
    "use",
    [
        "from google.cloud import tasks_v2; print(tasks_v2.CloudTasksClient.__name__)",
        "from google.cloud.tasks_v2 import CloudTasksClient; print(CloudTasksClient.__name__)",
        "import google.cloud.tasks_v2 as v; print(v.CloudTasksClient.__name__)",
        "from google.cloud.tasks_v2.services.cloud_tasks import CloudTasksClient as C; "
        "print(C.__name__)",
        "from google.cloud.tasks_v2 import *; print(CloudTasksClient.__name__)",
        "from google.cloud import tasks; print(tasks.CloudTasksClient.__name__)",
    ],
)
def test_the_client_is_there_once_it_is_asked_for(use):
    same = "from google.cloud import tasks_v2 as w; print(w.Task is g.tasks_v2.Task)"
    program = f"from emulator import google_types as g; {use}; {same}"
    assert said_by(program).split() == ["CloudTasksClient", "True"]


def test_a_client_that_was_there_first_is_left_alone():
    program = (
        "from google.cloud import tasks_v2 as v; from emulator import google_types as g; "
        "print(type(v).__name__, g.tasks_v2.Task is v.Task)"
    )
    assert said_by(program) == "module True"


def test_a_name_that_is_nowhere_is_an_attribute_error():
    program = (
        "from emulator import google_types; from google.cloud import tasks_v2; "
        "print(hasattr(tasks_v2, '__wrapped__'), hasattr(tasks_v2, 'Nothing'))"
    )
    assert said_by(program) == "False False"
