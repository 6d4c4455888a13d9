"""The RPCs on queues, through the official client to a real process."""

import uuid

import pytest
from google.api_core.exceptions import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
)
from google.cloud import tasks_v2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from tests.emulator.conftest import PARENT
from tests.emulator.wires import (
    EVERY_WIRE,
    emulator_only,
    link_of,
    over_grpc,
    refuses,
    said,
    types_of,
    unrecorded,
)

WIRES = EVERY_WIRE
NO_QUEUE = (
    "Queue does not exist. If you just created the queue, wait at least a minute for the queue to "
    "initialize."
)
BAD_NAME = (
    'Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/'
    '<QUEUE_ID>".'
)
NAME_DOCS = (
    "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues"
    "#Queue.FIELDS.name"
)
# Numbers, for the enums of two versions are never equal.
RUNNING, PAUSED = (int(tasks_v2.Queue.State[name]) for name in ("RUNNING", "PAUSED"))


def seconds(value):
    whole = int(value)
    return Duration(seconds=whole, nanos=round((value - whole) * 1e9))


def test_a_new_queue_has_googles_defaults(client, own_queue):
    got = client.get_queue(name=own_queue)
    assert got.name == own_queue
    assert got.state == RUNNING
    assert got.rate_limits.max_dispatches_per_second == 500
    assert got.rate_limits.max_burst_size == 100
    assert got.rate_limits.max_concurrent_dispatches == 1000
    assert got.retry_config.max_attempts == 100
    assert got.retry_config.min_backoff.total_seconds() == 0.1
    assert got.retry_config.max_backoff.total_seconds() == 3600
    assert got.retry_config.max_doublings == 16
    raw = types_of(client).Queue.pb(got)
    assert not raw.retry_config.HasField("max_retry_duration")
    for field in ("purge_time", "http_target", "stackdriver_logging_config"):
        assert not raw.HasField(field)


def test_settings_are_kept_as_given(client, make_queue):
    queue = make_queue(
        rate_limits={"max_dispatches_per_second": 0.25, "max_concurrent_dispatches": 7},
        retry_config={
            "max_attempts": -1,
            "max_retry_duration": seconds(4.5),
            "min_backoff": seconds(0.25),
            "max_backoff": seconds(1.5),
            "max_doublings": 3,
        },
        stackdriver_logging_config={"sampling_ratio": 0.5},
    )
    got = client.get_queue(name=queue)
    assert got.rate_limits.max_dispatches_per_second == 0.25
    assert got.rate_limits.max_burst_size == 10
    assert got.rate_limits.max_concurrent_dispatches == 7
    assert got.retry_config.max_attempts == -1
    assert got.retry_config.max_retry_duration.total_seconds() == 4.5
    assert got.retry_config.min_backoff.total_seconds() == 0.25
    assert got.retry_config.max_backoff.total_seconds() == 1.5
    assert got.retry_config.max_doublings == 3
    assert got.stackdriver_logging_config.sampling_ratio == 0.5


def test_a_burst_size_is_ignored_even_a_negative_one(client, make_queue):
    queue = make_queue(rate_limits={"max_burst_size": -5})
    assert client.get_queue(name=queue).rate_limits.max_burst_size == 100


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"rate_limits": {"max_dispatches_per_second": -1}},
            "RateLimits.maxDispatchesPerSecond cannot be negative.",
        ),
        (
            {"rate_limits": {"max_dispatches_per_second": 500.5}},
            "RateLimits.maxDispatchesPerSecond must be less than or equal to 500.",
        ),
        pytest.param(
            {"rate_limits": {"max_dispatches_per_second": float("nan")}},
            "RateLimits.maxDispatchesPerSecond must be less than or equal to 500.",
            marks=unrecorded,
        ),
        (
            {"rate_limits": {"max_concurrent_dispatches": -1}},
            "RateLimits.maxConcurrentDispatches cannot be negative.",
        ),
        (
            {"rate_limits": {"max_concurrent_dispatches": 5001}},
            "RateLimits.maxConcurrentDispatches must be less than or equal to 5000.",
        ),
        (
            {"retry_config": {"max_attempts": -2}},
            "RetryConfig.maxAttempts must be greater or equal to -1.",
        ),
        (
            {"retry_config": {"max_doublings": -1}},
            "RetryConfig.maxDoublings cannot be negative.",
        ),
        (
            {"retry_config": {"min_backoff": Duration(seconds=-1)}},
            "RetryConfig.minBackoff cannot be negative.",
        ),
        pytest.param(
            {"retry_config": {"max_backoff": Duration(seconds=-1)}},
            "RetryConfig.maxBackoff cannot be negative.",
            marks=unrecorded,
        ),
        (
            {"retry_config": {"min_backoff": seconds(10), "max_backoff": seconds(5)}},
            "RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.",
        ),
        (
            {"retry_config": {"min_backoff": seconds(3601)}},
            "RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.",
        ),
        pytest.param(
            {"stackdriver_logging_config": {"sampling_ratio": 1.5}},
            "StackdriverLoggingConfig.samplingRatio must be between 0 and 1.",
            marks=unrecorded,
        ),
    ],
)
def test_settings_out_of_range_are_refused_in_googles_words(client, make_queue, settings, message):
    with refuses(InvalidArgument) as refused:
        make_queue(**settings)
    assert said(refused) == message
    queue = make_queue()
    with refuses(InvalidArgument) as refused:
        client.update_queue(queue={"name": queue, **settings})
    assert said(refused) == message


@pytest.mark.parametrize(
    "name", ["", "default", f"{PARENT}/queues/", "projects/p/queues/q", f"{PARENT}/tasks/q"]
)
def test_a_malformed_name_is_refused_with_a_link(client, name):
    with refuses(InvalidArgument) as refused:
        client.create_queue(parent=PARENT, queue={"name": name})
    assert said(refused) == BAD_NAME
    assert link_of(refused) == ("Definition of queue name", NAME_DOCS)


@unrecorded
@pytest.mark.parametrize("queue_id", ["under_score", "a" * 101, "dot.ted"])
def test_a_bad_id_is_refused(client, queue_id):
    with refuses(InvalidArgument, match=f'Queue ID "{queue_id}" can contain only'):
        client.create_queue(parent=PARENT, queue={"name": f"{PARENT}/queues/{queue_id}"})


@unrecorded
def test_a_queue_of_another_parent_is_refused(client):
    name = "projects/other/locations/us-central1/queues/q"
    with refuses(InvalidArgument) as refused:
        client.create_queue(parent=PARENT, queue={"name": name})
    assert said(refused) == f"{name} must begin with {PARENT}."


@unrecorded
@over_grpc
def test_a_malformed_parent_is_refused(client):
    with refuses(InvalidArgument) as refused:
        client.create_queue(parent="nowhere", queue={"name": f"{PARENT}/queues/q"})
    assert said(refused) == "Invalid resource field value in the request."


def test_a_queue_that_exists_is_not_created_again(client, queue):
    with refuses(AlreadyExists) as refused:
        client.create_queue(parent=PARENT, queue={"name": queue})
    assert said(refused) == "Queue already exists"


def test_a_deleted_queue_is_gone_and_its_name_rests(client, own_queue):
    queue = own_queue
    client.delete_queue(name=queue)
    with refuses(FailedPrecondition) as refused:
        client.create_queue(parent=PARENT, queue={"name": queue})
    assert said(refused) == (
        "The queue cannot be created because a queue with this name existed too recently."
    )
    with refuses(NotFound) as refused:
        client.get_queue(name=queue)
    assert said(refused) == NO_QUEUE
    assert queue not in [each.name for each in client.list_queues(parent=PARENT)]


def test_a_queue_that_is_not_there(client):
    name = f"{PARENT}/queues/none-{uuid.uuid4().hex}"
    for call in (
        client.get_queue,
        client.pause_queue,
        client.resume_queue,
        client.purge_queue,
        lambda name: client.list_tasks(parent=name),
    ):
        with refuses(NotFound) as refused:
            call(name=name)
        assert said(refused) == NO_QUEUE


def test_a_queue_that_is_not_there_cannot_be_deleted(client):
    with refuses(NotFound) as refused:
        client.delete_queue(name=f"{PARENT}/queues/none-{uuid.uuid4().hex}")
    assert said(refused) == "Requested entity was not found."


def test_pause_and_resume_may_be_repeated(client, queue):
    assert client.pause_queue(name=queue).state == PAUSED
    assert client.pause_queue(name=queue).state == PAUSED
    assert client.get_queue(name=queue).state == PAUSED
    assert client.resume_queue(name=queue).state == RUNNING
    assert client.resume_queue(name=queue).state == RUNNING


def test_an_update_without_a_mask_replaces_every_setting(client, make_queue):
    queue = make_queue(
        rate_limits={"max_dispatches_per_second": 5}, retry_config={"max_attempts": 7}
    )
    client.pause_queue(name=queue)
    got = client.update_queue(
        queue={"name": queue, "state": RUNNING, "retry_config": {"max_doublings": 2}}
    )
    assert got.rate_limits.max_dispatches_per_second == 500
    assert got.retry_config.max_attempts == 100
    assert got.retry_config.max_doublings == 2
    assert got.state == PAUSED  # output only


@unrecorded  # a burst of 40, and a masked field that is left out
def test_a_mask_names_what_is_updated(client, make_queue):
    queue = make_queue(
        rate_limits={"max_dispatches_per_second": 5, "max_concurrent_dispatches": 3},
        retry_config={"max_attempts": 7, "max_doublings": 2},
    )
    got = client.update_queue(
        queue={"name": queue, "rate_limits": {"max_dispatches_per_second": 200}},
        update_mask=FieldMask(
            paths=["rate_limits.max_dispatches_per_second", "retry_config.max_attempts"]
        ),
    )
    assert got.rate_limits.max_dispatches_per_second == 200
    assert got.rate_limits.max_burst_size == 40
    assert got.rate_limits.max_concurrent_dispatches == 3
    assert got.retry_config.max_attempts == 100  # masked and left out: the default
    assert got.retry_config.max_doublings == 2
    got = client.update_queue(
        queue={"name": queue, "retry_config": {"max_attempts": 9}},
        update_mask=FieldMask(paths=["retry_config"]),
    )
    assert (got.retry_config.max_attempts, got.retry_config.max_doublings) == (9, 16)
    assert got.rate_limits.max_concurrent_dispatches == 3


@unrecorded
@pytest.mark.parametrize("path", ["nonsense", "rate_limits.nonsense", "name.x", "state.x"])
def test_a_mask_of_no_field_is_refused(client, own_queue, path):
    with refuses(InvalidArgument, match="Invalid update mask"):
        client.update_queue(queue={"name": own_queue}, update_mask=FieldMask(paths=[path]))


def test_an_update_creates_a_missing_queue(client):
    name = f"{PARENT}/queues/new-{uuid.uuid4().hex}"
    client.update_queue(
        queue={"name": name, "retry_config": {"max_attempts": 4}},
        update_mask=FieldMask(paths=["retry_config.max_attempts"]),
    )
    assert client.get_queue(name=name).retry_config.max_attempts == 4
    client.delete_queue(name=name)
    with refuses(FailedPrecondition):
        client.update_queue(queue={"name": name})


def test_queues_are_listed_by_name_page_by_page(client):
    parent = f"projects/p-{uuid.uuid4().hex[:8]}/locations/l-1"
    ids = ["B", "a", "a-b", "ab", "C9", "c"]
    for each in ids:
        client.create_queue(parent=parent, queue={"name": f"{parent}/queues/{each}"})
    pages = list(client.list_queues(request={"parent": parent, "page_size": 4}).pages)
    assert [len(page.queues) for page in pages] == [4, 2]
    names = [each.name.rpartition("/")[2] for page in pages for each in page.queues]
    assert names == sorted(ids)
    assert pages[0].next_page_token
    assert not pages[1].next_page_token
    assert len(list(client.list_queues(request={"parent": parent, "page_size": 10**6}))) == 6


@unrecorded
@pytest.mark.parametrize(
    ("request_fields", "message"),
    [({"page_token": "zzz"}, "Invalid page token."), ({"page_size": -1}, "Page size cannot be")],
)
def test_a_bad_page_is_refused(client, queue, request_fields, message):
    with refuses(InvalidArgument, match=message):
        client.list_queues(request={"parent": PARENT, **request_fields})
    with refuses(InvalidArgument, match=message):
        client.list_tasks(request={"parent": queue, **request_fields})


@emulator_only("what Google makes of such durations is nobody's contract")
@over_grpc
def test_durations_beyond_all_bounds_do_no_harm(client, make_queue):
    longest = 315_576_000_000
    queue = make_queue(
        retry_config={
            "max_backoff": Duration(seconds=longest),
            "max_retry_duration": Duration(seconds=2**62),
        }
    )
    raw = types_of(client).Queue.pb(client.get_queue(name=queue))
    assert raw.retry_config.max_backoff.seconds == longest
    assert raw.retry_config.max_retry_duration.seconds == longest
