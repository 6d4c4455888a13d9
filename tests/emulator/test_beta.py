"""What v2beta3 has beyond v2, on the same queues and tasks."""

from datetime import UTC, datetime, timedelta

import pytest
from google.api_core.exceptions import AlreadyExists, InvalidArgument
from google.cloud import tasks_v2beta3
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from emulator import upkeep
from emulator.convert import convert, convert_path
from emulator.models import Task
from emulator.work import Work
from tests.emulator.conftest import NOW, PARENT, client_of
from tests.emulator.test_tasks import URL
from tests.emulator.wires import emulator_only, refuses, said, unrecorded
from tests.processes import eventually

WIRES = ["v2beta3 gRPC", "v2beta3 REST"]
Queue = tasks_v2beta3.Queue


def days(count):
    return Duration(seconds=count * 86400)


def mask(*paths):
    return FieldMask(paths=list(paths))


def test_a_queue_shows_its_type_and_times(client, own_queue):
    got = client.get_queue(name=own_queue)
    assert got.type_ == Queue.Type.PUSH
    assert got.task_ttl == timedelta(days=31)
    assert got.tombstone_ttl == timedelta(hours=1)
    assert "stats" not in got
    assert "app_engine_http_queue" not in got


def test_times_are_kept_and_masked(client, make_queue):
    queue = make_queue(task_ttl=days(10), tombstone_ttl=days(2), type_="PUSH")
    got = client.update_queue(
        queue={"name": queue, "task_ttl": days(11)}, update_mask=mask("task_ttl")
    )
    assert (got.task_ttl, got.tombstone_ttl) == (timedelta(days=11), timedelta(days=2))
    client.update_queue(
        queue={"name": queue, "retry_config": {"max_attempts": 3}},
        update_mask=mask("retry_config.max_attempts"),
    )
    (listed,) = (each for each in client.list_queues(parent=PARENT) if each.name == queue)
    assert listed == client.get_queue(name=queue)
    assert (listed.task_ttl, listed.retry_config.max_attempts) == (timedelta(days=11), 3)
    got = client.update_queue(queue={"name": queue})
    assert (got.task_ttl, got.retry_config.max_attempts) == (timedelta(days=31), 100)


@unrecorded
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task_ttl": days(9)}, "Queue.task_ttl must be between 10 days and 10 years."),
        ({"task_ttl": days(4000)}, "Queue.task_ttl must be between 10 days and 10 years."),
        ({"tombstone_ttl": days(0)}, "Queue.tombstone_ttl must be between 1 hour and 9 days."),
        ({"tombstone_ttl": days(10)}, "Queue.tombstone_ttl must be between 1 hour and 9 days."),
        ({"type_": "PULL"}, "Queue.type must be PUSH: pull queues are not supported."),
    ],
)
def test_settings_out_of_range_are_refused(client, make_queue, settings, message):
    with refuses(InvalidArgument) as refused:
        make_queue(**settings)
    assert said(refused) == message


def test_app_engine_routing_is_the_one_of_v2(client, emulator, make_queue):
    routing = {"service": "worker", "version": "v1"}
    queue = make_queue(app_engine_http_queue={"app_engine_routing_override": routing})
    got = client.get_queue(name=queue).app_engine_http_queue.app_engine_routing_override
    assert (got.service, got.version) == ("worker", "v1")
    with client_of(emulator.endpoint) as v2:
        assert v2.get_queue(name=queue).app_engine_routing_override.service == "worker"
    got = client.update_queue(
        queue={"name": queue},
        update_mask=mask("app_engine_http_queue.app_engine_routing_override.version"),
    )
    routing = got.app_engine_http_queue.app_engine_routing_override
    assert (routing.service, routing.version) == ("worker", "")


def test_statistics_come_when_they_are_asked_for(client, make_queue, send, target):
    queue = make_queue(retry_config={"min_backoff": Duration(seconds=60)})
    target.script = [500, (200, 3)]
    send(queue, target.url)
    target.wait_for(1)
    send(queue, target.url)
    target.wait_for(2)
    soon = datetime.now(UTC) + timedelta(seconds=30)
    send(queue, target.url, schedule_time=soon)
    stats = eventually(lambda: answered(client, queue))
    assert stats.tasks_count == 3
    assert stats.executed_last_minute_count == 1
    assert stats.concurrent_dispatches_count == 1
    assert stats.effective_execution_rate == 500
    assert stats.oldest_estimated_arrival_time < soon
    client.purge_queue(name=queue)
    send(queue, target.url, schedule_time=soon)
    got = client.get_queue(request={"name": queue, "read_mask": mask("stats")})
    assert abs(got.stats.oldest_estimated_arrival_time - soon) < timedelta(milliseconds=1)


def answered(client, queue):
    request = {"name": queue, "read_mask": mask("stats")}
    got = client.get_queue(request=request)
    assert got.name == ""
    return got.stats if got.stats.executed_last_minute_count else None


def test_a_read_mask_chooses_fields(client, queue):
    request = {"parent": PARENT, "read_mask": mask("name", "stats.tasks_count")}
    (got,) = (each for each in client.list_queues(request=request) if each.name == queue)
    assert "stats" in got
    assert "rate_limits" not in got
    assert "type_" not in got


@unrecorded
def test_a_read_mask_of_no_field_is_refused(client, queue):
    with refuses(InvalidArgument, match="Invalid read mask: 'nonsense' is not a field of Queue"):
        client.get_queue(request={"name": queue, "read_mask": mask("nonsense")})


@emulator_only("Google has pull queues in this version")
def test_a_pull_message_is_no_payload(client, queue):
    with refuses(InvalidArgument) as refused:
        client.create_task(parent=queue, task={"pull_message": {"tag": "t"}})
    assert said(refused) == "Task.payload_type is not set."


def test_a_task_is_one_to_both_versions(client, emulator, queue):
    client.pause_queue(name=queue)
    made = client.create_task(
        parent=queue,
        task={
            "http_request": {"url": URL, "headers": {"A": "1"}, "body": b"\x00"},
            "dispatch_deadline": Duration(seconds=20),
            "retry_config": {"max_attempts": 2},
        },
    )
    with client_of(emulator.endpoint) as v2:
        got = v2.get_task(request={"name": made.name, "response_view": "FULL"})
    assert got.http_request.body == b"\x00"
    assert dict(got.http_request.headers) == dict(made.http_request.headers)
    assert got.dispatch_deadline == made.dispatch_deadline == timedelta(seconds=20)
    assert got.retry_config.max_attempts == made.retry_config.max_attempts == 2
    with refuses(AlreadyExists):
        client.create_task(parent=queue, task=made)


@pytest.mark.django_db(databases=["default", "emulator"])
def test_tasks_and_names_live_as_long_as_their_queue_says(stored_queue, store_task):
    stored_queue.task_ttl, stored_queue.tombstone_ttl = timedelta(days=40), timedelta(days=3)
    stored_queue.save()
    store_task("live", create_time=NOW - timedelta(days=39))
    store_task("old", create_time=NOW - timedelta(days=41))
    store_task("ended", outcome="done", ended_at=NOW - timedelta(days=2))
    assert upkeep.end_outlived(Work(NOW)) == 1
    assert set(Task.objects.live().values_list("short_name", flat=True)) == {"live"}
    upkeep.forget_ended(Work(NOW), keep=timedelta(days=1))
    assert Task.objects.filter(short_name="ended").exists()


@pytest.mark.parametrize(
    ("beta", "v2"),
    [
        ("retry_config.max_attempts", "retry_config.max_attempts"),
        ("app_engine_http_queue", "app_engine_routing_override"),
        (
            "app_engine_http_queue.app_engine_routing_override.host",
            "app_engine_routing_override.host",
        ),
    ],
)
def test_mask_paths_are_translated(beta, v2):
    assert convert_path(beta) == v2


def test_what_the_other_version_does_not_know_is_left_out():
    from google.cloud import tasks_v2

    beta = tasks_v2beta3.Queue.pb()(name="q", task_ttl=days(10), type_="PUSH")
    beta.retry_config.SetInParent()
    there = convert(beta, tasks_v2.Queue.pb()())
    assert there == tasks_v2.Queue.pb()(name="q", retry_config={})
    assert there.HasField("retry_config")
