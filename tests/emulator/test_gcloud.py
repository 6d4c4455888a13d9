"""gcloud itself, as the README points it at the emulator; skipped aloud where there is none."""

import json
import os
import shutil
import subprocess
import uuid
from urllib.parse import urlsplit

import pytest

from tests.emulator.conftest import ended
from tests.emulator.test_queues import NO_QUEUE
from tests.processes import eventually

PLACE = ["--project=demo", "--location=us-central1", "--format=json"]


@pytest.fixture
def gcloud(emulator, tmp_path):
    """Run `gcloud tasks ...` and return its JSON and what it said; the exit code must be right."""
    if shutil.which("gcloud") is None:
        pytest.skip("NOT RUN with gcloud: it is not installed here")
    environment = {
        **os.environ,
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDTASKS": f"{emulator.http_url}/",
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        # Nothing of the user's, and no word to anyone else.
        "CLOUDSDK_CONFIG": str(tmp_path),
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
    }

    def run(*arguments, code=0):
        ran = subprocess.run(
            ["gcloud", "tasks", *arguments, *PLACE],
            env=environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert ran.returncode == code, ran.stderr
        return json.loads(ran.stdout or "null"), ran.stderr

    return run


def test_gcloud_makes_a_queue_and_a_task(gcloud, client, target):
    queue = f"g-{uuid.uuid4().hex[:12]}"
    at = urlsplit(target.url)
    # Always with its path: gcloud sends an empty one where none is named, and that clears it.
    override = f"scheme:http,host:{at.hostname},port:{at.port},path:{at.path}"
    gcloud("queues", "create", queue, "--max-attempts=3", f"--http-uri-override={override}")
    task = ["--url=http://elsewhere.test", "--body-content=Hello World", "--header=X-A:b"]
    made, _ = gcloud("create-http-task", "once", f"--queue={queue}", *task)
    (got,) = target.wait_for(1)
    assert (got.method, got.body, got.header("X-A")) == ("POST", b"Hello World", "b")
    assert got.header("X-CloudTasks-TaskName") == "once"
    assert eventually(lambda: ended(client, made["name"]))
    made_queue = client.get_queue(name=f"projects/demo/locations/us-central1/queues/{queue}")
    assert made_queue.retry_config.max_attempts == 3
    client.delete_queue(name=made_queue.name)
    _, said = gcloud("queues", "describe", queue, code=1)
    assert f"NOT_FOUND: {NO_QUEUE}" in said
