"""Every way in which an official client can call: contract tests run once over each.

A test module that says `WIRES = EVERY_WIRE` gets a `client` over each of them (see conftest).
"""

import re
import uuid

import grpc
import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.cloud import tasks_v2, tasks_v2beta3
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from google.cloud.tasks_v2beta3.services.cloud_tasks.transports import (
    CloudTasksGrpcTransport as BetaGrpcTransport,
)

EVERY_WIRE = ["v2 gRPC", "v2 REST", "v2beta3 gRPC"]
# Against a real queue (see contract.py): what is this emulator's alone, and says so in its reason.
emulator_only = pytest.mark.emulator_only
# And what nobody has on record of Google's: it may fail there, and so tells what Google answers.
unrecorded = pytest.mark.unrecorded
# For what a client over REST refuses by itself before it sends anything.
over_grpc = pytest.mark.parametrize("client", ["v2 gRPC", "v2beta3 gRPC"], indirect=True)


def client_of(endpoint):
    """Return the official client as the README shows it."""
    channel = grpc.insecure_channel(endpoint)
    return tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))


def rest_client_of(http_url, api=tasks_v2):
    """Return the official client over REST as the README shows it."""
    return api.CloudTasksClient(
        transport="rest",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": http_url},
    )


def beta_client_of(endpoint):
    """Return the official v2beta3 client."""
    channel = grpc.insecure_channel(endpoint)
    return tasks_v2beta3.CloudTasksClient(transport=BetaGrpcTransport(channel=channel))


def connect(emulator, wire):
    """Return the client of one wire."""
    if wire == "v2 gRPC":
        return client_of(emulator.endpoint)
    if wire == "v2beta3 gRPC":
        return beta_client_of(emulator.endpoint)
    api = tasks_v2beta3 if wire.startswith("v2beta3") else tasks_v2
    return rest_client_of(emulator.http_url, api)


def types_of(client):
    """Return the message classes of a client's own version."""
    return tasks_v2beta3 if "v2beta3" in type(client).__module__ else tasks_v2


def refuses(kind, match=None):
    """pytest.raises for an answer of the API, which REST clients know by its HTTP status alone."""

    def same(error):
        code = kind.grpc_status_code
        if error.grpc_status_code is not None:
            return error.grpc_status_code == code
        return error.code == kind.code and error.response.json()["error"]["status"] == code.name

    return pytest.raises(GoogleAPICallError, match=match, check=same)


def said(error):
    """Return the server's text of an error; clients over REST put the request before it."""
    return re.sub(r"^[A-Z]+ https?://\S+: ", "", error.value.message)


def fresh(name):
    """Return a name that no test has used before: those of ended tasks rest."""
    return f"{name}-{uuid.uuid4().hex[:12]}"


def link_of(error):
    """Return description and URL of the one link that explains an error."""
    (detail,) = error.value.details
    links = detail["links"] if isinstance(detail, dict) else detail.links
    (link,) = links
    return (
        (link["description"], link["url"])
        if isinstance(link, dict)
        else (link.description, link.url)
    )
