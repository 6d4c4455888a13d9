"""What stands beside queues: IAM policies, CMEK settings, locations. And that a kill keeps it."""

import uuid

import pytest
from google.api_core.exceptions import Aborted, InvalidArgument, NotFound
from google.cloud import tasks_v2
from google.protobuf.field_mask_pb2 import FieldMask

from tests.emulator.conftest import PARENT, client_of
from tests.emulator.test_queues import NO_QUEUE
from tests.emulator.wires import EVERY_WIRE, emulator_only, over_grpc, refuses, said, unrecorded
from tests.processes import EmulatorProcess

WIRES = EVERY_WIRE
BINDING = {"role": "roles/cloudtasks.enqueuer", "members": ["user:a@example.com"]}
KEY = "projects/p/locations/l/keyRings/r/cryptoKeys/k"


def test_a_policy_is_kept(client, queue):
    unset = client.get_iam_policy(request={"resource": queue})
    assert (list(unset.bindings), unset.etag) == ([], b"\x00\x20\x01")
    policy = {"bindings": [BINDING], "etag": unset.etag, "version": 1}
    answered = client.set_iam_policy(request={"resource": queue, "policy": policy})
    kept = client.get_iam_policy(request={"resource": queue})
    assert kept == answered
    assert kept.etag not in (b"", unset.etag)
    (binding,) = kept.bindings
    assert (binding.role, list(binding.members)) == (BINDING["role"], BINDING["members"])
    client.set_iam_policy(request={"resource": queue, "policy": {}})
    assert list(client.get_iam_policy(request={"resource": queue}).bindings) == []


def test_a_policy_that_changed_meanwhile_is_not_replaced(client, queue):
    before = client.get_iam_policy(request={"resource": queue})
    client.set_iam_policy(request={"resource": queue, "policy": {"bindings": [BINDING]}})
    with refuses(Aborted, match="There were concurrent policy changes"):
        client.set_iam_policy(request={"resource": queue, "policy": before})
    assert len(client.get_iam_policy(request={"resource": queue}).bindings) == 1


@emulator_only("here everybody may do everything")
def test_permissions_are_all_there_and_none_without_a_queue(client, queue):
    asked = ["cloudtasks.tasks.create", "cloudtasks.queues.get"]
    request = {"resource": queue, "permissions": asked}
    assert client.test_iam_permissions(request=request).permissions == asked
    request = {"resource": f"{queue}-none", "permissions": asked}
    assert client.test_iam_permissions(request=request).permissions == []


@unrecorded
def test_a_permission_with_a_wildcard_is_refused(client, queue):
    with refuses(InvalidArgument, match="wildcards"):
        client.test_iam_permissions(request={"resource": queue, "permissions": ["cloudtasks.*"]})


def test_a_policy_needs_its_queue(client, own_queue):
    client.delete_queue(name=own_queue)
    for call in (client.get_iam_policy, client.set_iam_policy):
        with refuses(NotFound) as refused:
            call(request={"resource": own_queue})
        assert said(refused) == NO_QUEUE


def test_a_cmek_key_is_kept_until_it_is_cleared(client):
    name = f"projects/p-{uuid.uuid4().hex[:8]}/locations/l-1/cmekConfig"
    assert client.get_cmek_config(name=name).kms_key == ""
    wanted = {"name": name, "kms_key": KEY}
    answered = client.update_cmek_config(cmek_config=wanted)
    assert (answered.name, answered.kms_key) == (name, KEY)
    assert client.get_cmek_config(name=name) == answered
    client.update_cmek_config(cmek_config={"name": name}, update_mask=FieldMask(paths=["name"]))
    assert client.get_cmek_config(name=name).kms_key == KEY
    client.update_cmek_config(cmek_config={"name": name}, update_mask=FieldMask(paths=["kms_key"]))
    assert client.get_cmek_config(name=name).kms_key == ""


def test_a_key_of_another_form_is_refused(client):
    with refuses(InvalidArgument, match="CmekConfig.kmsKey must be formatted"):
        client.update_cmek_config(cmek_config={"name": f"{PARENT}/cmekConfig", "kms_key": "k"})


def test_a_cmek_mask_of_no_field_is_refused(client):
    with refuses(InvalidArgument, match="'nonsense' is not a field of CmekConfig"):
        client.update_cmek_config(
            cmek_config={"name": f"{PARENT}/cmekConfig"}, update_mask=FieldMask(paths=["nonsense"])
        )


def test_locations_are_googles_and_those_of_queues(client):
    project = f"projects/p-{uuid.uuid4().hex[:8]}"
    own = f"{project}/locations/my-laptop"
    client.create_queue(parent=own, queue={"name": f"{own}/queues/q"})
    listed = client.list_locations({"name": project, "page_size": 5})
    names = [each.name for each in listed.locations]
    while listed.next_page_token:
        assert len(listed.locations) == 5
        token = listed.next_page_token
        listed = client.list_locations({"name": project, "page_size": 5, "page_token": token})
        names += [each.name for each in listed.locations]
    assert names == sorted(names)
    assert {own, f"{project}/locations/us-central1"} <= set(names)
    got = client.get_location({"name": own})
    assert (got.name, got.location_id) == (own, "my-laptop")
    assert got.labels["cloud.googleapis.com/region"] == "my-laptop"


@unrecorded
@over_grpc
def test_a_malformed_location_is_refused(client):
    for call in (
        lambda: client.get_location({"name": "nowhere"}),
        lambda: client.list_locations({"name": "nowhere"}),
        lambda: client.get_cmek_config(name="nowhere"),
    ):
        with refuses(InvalidArgument, match="Invalid resource field value"):
            call()


def test_a_kill_keeps_policies_operations_and_keys(tmp_path):
    queue, cmek = f"{PARENT}/queues/default", f"{PARENT}/cmekConfig"
    operation = f"{PARENT}/operations/one"

    def everything(client):
        return (
            client.get_iam_policy(request={"resource": queue}),
            client.get_operation({"name": operation}),
            client.get_cmek_config(name=cmek),
        )

    with EmulatorProcess(tmp_path, "--queue", "default") as own:
        client = client_of(own.endpoint)
        client.set_iam_policy(request={"resource": queue, "policy": {"bindings": [BINDING]}})
        client.batch_delete_tasks(
            request={"parent": queue, "names": [f"{queue}/tasks/t"], "request_id": "one"}
        )
        client.update_cmek_config(cmek_config=tasks_v2.CmekConfig(name=cmek, kms_key=KEY))
        before = everything(client)
        own.process.kill()
        own.start()
        assert everything(client_of(own.endpoint)) == before


def test_a_key_is_of_its_own_location(client):
    here, there = (f"projects/p-{uuid.uuid4().hex[:8]}/locations/{each}" for each in "ab")
    client.update_cmek_config(cmek_config={"name": f"{here}/cmekConfig", "kms_key": KEY})
    assert client.get_cmek_config(name=f"{there}/cmekConfig").kms_key == ""


@unrecorded
@pytest.mark.parametrize("name", ["cmekConfig", "CmekConfig"])
@over_grpc
def test_both_spellings_of_the_config_are_understood(client, name):
    assert client.get_cmek_config(name=f"{PARENT}/{name}").name == f"{PARENT}/cmekConfig"
