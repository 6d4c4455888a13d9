"""The pure rules as tables: names, backoff, exhaustion, burst, bucket, headers' values."""

from datetime import UTC, datetime, timedelta

import pytest

from emulator.backoff import RetryRules
from emulator.bucket import TokenBucket, burst_size
from emulator.headers import eta
from emulator.names import (
    full_queue_name,
    is_location,
    new_task_id,
    parse_queue_name,
    parse_task_name,
    valid_queue_id,
    valid_task_id,
)
from emulator.targets import Targets

QUEUE = "projects/p/locations/l/queues/q"


def rules(**settings):
    seconds = ("min_backoff", "max_backoff", "max_retry_duration")
    return RetryRules(
        **{k: timedelta(seconds=v) if k in seconds else v for k, v in settings.items()}
    )


@pytest.mark.parametrize(
    ("shortest", "longest", "doublings", "delays"),
    [
        (10, 300, 3, [10, 20, 40, 80, 160, 240, 300, 300]),
        (5, 300, 2, [5, 10, 20, 40, 60, 80, 100, 120]),
        (1, 60, 5, [1, 2, 4, 8, 16, 32, 60, 60]),
        (2, 2, 16, [2, 2, 2]),
        (
            0.1,
            3600,
            16,
            [0.1 * 2**i for i in range(16)] + [3600, 3600],
        ),
    ],
)
def test_backoff_doubles_then_grows_by_the_last_step(shortest, longest, doublings, delays):
    backoff = rules(min_backoff=shortest, max_backoff=longest, max_doublings=doublings)
    got = [backoff.delay(i).total_seconds() for i in range(1, len(delays) + 1)]
    assert got == pytest.approx(delays)


def test_backoff_stays_at_its_longest_for_ever():
    longest = rules(max_doublings=2**31 - 1).delay(1_000_000)
    assert longest == timedelta(hours=1)


@pytest.mark.parametrize(
    ("most", "duration", "attempts", "elapsed", "over"),
    [
        (3, 0, 2, 10**6, False),
        (3, 0, 3, 0, True),
        (1, 0, 1, 0, True),
        (3, 60, 3, 59, False),  # both limits must be reached
        (3, 60, 2, 61, False),
        (3, 60, 3, 60, True),
        (3, 60, 9, 61, True),
        (-1, 60, 10**6, 59, False),
        (-1, 60, 1, 60, True),
        (-1, 0, 10**6, 10**6, False),
    ],
)
def test_when_a_task_is_given_up(most, duration, attempts, elapsed, over):
    limits = rules(max_attempts=most, max_retry_duration=duration)
    assert limits.exhausted(attempts, timedelta(seconds=elapsed)) is over


@pytest.mark.parametrize(("rate", "burst"), [(0.25, 10), (1, 10), (5, 10), (500, 100)])
def test_burst_follows_the_rate(rate, burst):
    assert burst_size(rate) == burst


def test_a_bucket_starts_full_and_is_filled_by_its_rate():
    bucket = TokenBucket(rate=0.5, burst=10, now=100.0)
    assert bucket.available(100.0) == 10
    bucket.take(10)
    assert bucket.available(100.0) == 0
    assert bucket.wait(100.0) == 2.0
    assert bucket.wait(101.0) == 1.0
    assert bucket.available(102.0) == 1
    assert bucket.wait(102.0) == 0
    assert bucket.available(10_000.0) == 10


def test_a_bucket_gives_a_token_at_the_instant_it_names():
    bucket, now = TokenBucket(rate=333.3, burst=10, now=0.0), 0.0
    bucket.take(10)
    for _ in range(1000):
        now += bucket.wait(now)
        assert bucket.available(now) == 1
        bucket.take(1)


def test_a_bucket_keeps_its_tokens_at_another_rate_up_to_the_burst():
    bucket = TokenBucket(rate=500, burst=100, now=0.0)
    bucket.adjust(rate=1, burst=10, now=0.0)
    assert bucket.available(0.0) == 10
    bucket.take(10)
    bucket.adjust(rate=100, burst=20, now=0.0)
    assert bucket.wait(0.0) == pytest.approx(0.01)


def test_a_bucket_gains_at_the_old_rate_until_it_is_adjusted():
    bucket = TokenBucket(rate=1, burst=10, now=0.0)
    bucket.take(10)
    bucket.adjust(rate=100, burst=20, now=5.0)
    assert bucket.available(5.0) == 5
    bucket.adjust(rate=1, burst=3, now=5.0)
    bucket.adjust(rate=1, burst=20, now=5.0)
    assert bucket.available(5.0) == 3


def test_a_bucket_ignores_a_clock_that_goes_back():
    bucket = TokenBucket(rate=1, burst=10, now=50.0)
    bucket.take(5)
    assert bucket.available(40.0) == 5


@pytest.mark.parametrize(
    ("name", "good"),
    [
        (QUEUE, True),
        ("projects/example.com:p-1/locations/us-central1/queues/A-9", True),
        ("projects/p/locations/l/queues/", False),
        ("projects/p/queues/q", False),
        (f"{QUEUE}/", False),
        (f" {QUEUE}", False),
        (f"{QUEUE}\n", False),
        ("projects/p_1/locations/l/queues/q", False),
        ("", False),
    ],
)
def test_names_of_queues(name, good):
    parsed = parse_queue_name(name)
    assert (parsed is not None) is good
    if parsed:
        assert str(parsed) == name


@pytest.mark.parametrize(
    ("queue_id", "good"),
    [("q", True), ("Q-1", True), ("a" * 100, True), ("a" * 101, False), ("a_b", False)],
)
def test_ids_of_queues(queue_id, good):
    assert valid_queue_id(queue_id) is good


@pytest.mark.parametrize(
    ("name", "task_id"),
    [
        (f"{QUEUE}/tasks/t", "t"),
        (f"{QUEUE}/tasks/has space", "has space"),  # a good name of a bad id has its own message
        (f"{QUEUE}/tasks/", None),
        (QUEUE, None),
        ("projects/p/locations/l/queues/a_b/tasks/t", None),
    ],
)
def test_names_of_tasks(name, task_id):
    parsed = parse_task_name(name)
    assert (parsed and parsed.id) == task_id


@pytest.mark.parametrize(
    ("task_id", "good"),
    [
        ("t", True),
        ("A_b-9", True),
        ("t" * 500, True),
        ("t" * 501, False),
        ("é", False),
        ("", False),
    ],
)
def test_ids_of_tasks(task_id, good):
    assert valid_task_id(task_id) is good


def test_ids_made_here_are_decimal_and_differ():
    ids = {new_task_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(each.isdigit() and len(each) == 20 for each in ids)


def test_a_short_queue_name_is_completed():
    assert full_queue_name("q", "p", "l") == QUEUE
    assert full_queue_name(QUEUE, "other", "other") == QUEUE


@pytest.mark.parametrize(("name", "good"), [("projects/p/locations/l", True), ("p/l", False)])
def test_locations(name, good):
    assert is_location(name) is good


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime.fromtimestamp(1666670855, UTC), "1666670855"),
        (datetime.fromtimestamp(1666670855.5, UTC), "1666670855.5"),
        (datetime(2022, 10, 25, 4, 7, 35, 329625, UTC), "1666670855.3296249"),
    ],
)
def test_an_eta_has_the_digits_of_a_double(instant, text):
    assert eta(instant) == text
    assert float(eta(instant)) == instant.timestamp()


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("http://h/a%20b?c=%2F&d=1", "http://h/a%20b?c=%2F&d=1"),
        ("http://h/a b/ü?q=ä|", "http://h/a%20b/%C3%BC?q=%C3%A4%7C"),
        ("http://h:8080/x//y/../z?q=", "http://h:8080/x//y/../z?q="),
    ],
)
def test_a_url_is_sent_as_given_and_only_encoded_where_it_must_be(given, sent):
    to = Targets(["example.com", "h", "xn--mnchen-3ya.de"]).check_url(given)
    scheme = "https" if to.place.tls else "http"
    assert f"{scheme}://{to.authority}{to.path}" == sent
