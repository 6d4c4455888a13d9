"""The emulator never reads Google's credentials, and asks nobody at Google for any."""

import json
import os

import pytest

from tests.emulator.conftest import PARENT, client_of, ended
from tests.processes import EmulatorProcess, eventually

QUEUE = f"{PARENT}/queues/default"
# Python runs it before anything else; each line it writes is a file opened or an address called.
WATCH = """
import os, sys
log = os.open(os.environ["WATCH_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def seen(event, args):
    if event in ("open", "socket.connect", "socket.getaddrinfo"):
        os.write(log, (event + " " + repr(args[:2]) + "\\n").encode(errors="replace"))
sys.addaudithook(seen)
"""


@pytest.fixture
def watched(tmp_path):
    """An emulator that has credentials in every usual place, and the log of what it touched."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(WATCH)
    adc = tmp_path / "config" / "application_default_credentials.json"
    adc.parent.mkdir()
    adc.write_text(json.dumps({"type": "authorized_user", "refresh_token": "real"}))
    environment = {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "hook"), os.environ.get("PYTHONPATH", "")]),
        "WATCH_LOG": str(tmp_path / "log"),
        "GOOGLE_APPLICATION_CREDENTIALS": str(adc),
        "CLOUDSDK_CONFIG": str(adc.parent),
    }
    with EmulatorProcess(tmp_path / "var", "--queue", "default", **environment) as own:
        yield own, tmp_path / "log"


def test_tokens_are_made_without_googles_credentials(watched, target):
    own, log = watched
    client = client_of(own.endpoint)
    for token in ("oidc_token", "oauth_token"):
        request = {"url": target.url, token: {"service_account_email": "t@demo.example"}}
        task = client.create_task(parent=QUEUE, task={"http_request": request})
        eventually(lambda name=task.name: ended(client, name))
    touched = log.read_text()
    assert "emulator-key.pem" in touched  # it does see what is opened, and where one connects to
    assert target.url.split(":")[2].split("/")[0] in touched
    assert "application_default_credentials" not in touched
    called = [line for line in touched.splitlines() if line.startswith("socket")]
    assert not [line for line in called if "127.0.0.1" not in line and "::1" not in line]
