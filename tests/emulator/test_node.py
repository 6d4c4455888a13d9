"""The official Node client, `@google-cloud/tasks`, as its users point it at the emulator.

npm installs it once, into the user's cache; without node or npm, or without a way to the registry,
the test is skipped aloud, and fails instead where CI=true.
"""

import fcntl
import json
import os
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest
from google.auth import jwt

from tests.emulator.conftest import PARENT, ended
from tests.processes import eventually

PACKAGES = ["@google-cloud/tasks@6", "@grpc/grpc-js@1"]
SCENARIO = Path(__file__).with_name("scenario.js")


def unable(reason):
    """Skip aloud, or fail where everything has to run."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(f"NOT RUN with Node: {reason}")


@pytest.fixture(scope="module")
def modules():
    """Return a folder whose node_modules holds the client."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            unable(f"there is no {program} here (Debian: apt install nodejs npm)")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "tasks-dashboard" / "node-client-6"
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "installed"
    with (folder / "lock").open("w") as lock:  # the suite on the other database comes here too
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            install(folder)
            done.touch()
    return folder


def install(folder):
    """Let npm install the client there."""
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save"]
    ran = subprocess.run(
        [*command, "--prefix", folder, *PACKAGES], capture_output=True, text=True, timeout=240
    )
    if ran.returncode:
        unable(f"npm install failed: {ran.stderr.strip()[-300:]}")


def test_the_node_client_works_as_with_google(modules, emulator, client, target):
    queue_id = f"node-{uuid.uuid4().hex[:12]}"
    queue = f"{PARENT}/queues/{queue_id}"
    ran = subprocess.run(
        ["node", SCENARIO, modules, emulator.endpoint, queue_id, target.url],
        capture_output=True,
        text=True,
        timeout=60,
        # Its library would ask Google's metadata server for a project otherwise.
        env={**os.environ, "GOOGLE_CLOUD_PROJECT": "demo", "METADATA_SERVER_DETECTION": "none"},
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "burst": 10,
        "queue": queue,
        "task": f"{queue}/tasks/from-node",
        "listed": [f"{queue}/tasks/from-node"],
        "refused": {"again": 6, "missing": 5, "noQueue": 5},
    }
    (got,) = target.wait_for(1)
    assert (got.method, got.body) == ("POST", b"\x00\xffhi")
    token = jwt.decode(got.header("Authorization").removeprefix("Bearer "), verify=False)
    assert token["email"] == "node@demo.iam.gserviceaccount.com"
    assert token["aud"] == target.url
    eventually(lambda: ended(client, f"{queue}/tasks/from-node"))
    client.delete_queue(name=queue)
