"""google-api-python-client, which speaks REST by its bundled description of the API."""

import base64
import uuid

import httplib2
import pytest
from googleapiclient import discovery
from googleapiclient.errors import HttpError

from tests.emulator.conftest import PARENT


@pytest.fixture(params=["v2", "v2beta3"])
def queues(request, emulator):
    service = discovery.build(
        "cloudtasks",
        request.param,
        http=httplib2.Http(timeout=20),
        client_options={"api_endpoint": emulator.http_url},
        static_discovery=True,  # the description in the package: nothing is fetched
    )
    with service:
        yield service.projects().locations().queues()


def test_the_generated_client_works_as_with_google(queues, target):
    name = f"{PARENT}/queues/q-{uuid.uuid4().hex[:12]}"
    queues.create(parent=PARENT, body={"name": name}).execute()
    changed = queues.patch(
        name=name,
        updateMask="retryConfig.maxAttempts",
        body={"retryConfig": {"maxAttempts": 2}},
    ).execute()
    assert changed["retryConfig"]["maxAttempts"] == 2
    assert queues.pause(name=name, body={}).execute()["state"] == "PAUSED"
    body = base64.b64encode(b"\x00\xff").decode()
    task = {"httpRequest": {"url": target.url, "httpMethod": "POST", "body": body}}
    made = queues.tasks().create(parent=name, body={"task": task}).execute()
    queues.tasks().create(parent=name, body={"task": task}).execute()
    first = queues.tasks().list(parent=name, pageSize=1)
    assert [each["name"] for each in first.execute()["tasks"]] == [made["name"]]
    second = queues.tasks().list_next(first, first.execute())
    assert len(second.execute()["tasks"]) == 1
    full = queues.tasks().get(name=made["name"], responseView="FULL").execute()
    assert full["httpRequest"]["body"] == body
    policy = queues.getIamPolicy(resource=name, body={}).execute()
    assert policy == {"etag": "ACAB"}
    queues.tasks().run(name=made["name"], body={}).execute()
    assert target.wait_for(1)[0].body == b"\x00\xff"
    assert queues.delete(name=name).execute() == {}
    with pytest.raises(HttpError) as refused:
        queues.get(name=name).execute()
    assert refused.value.status_code == 404
    assert refused.value.reason.startswith("Queue does not exist.")
