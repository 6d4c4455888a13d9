"""ListQueues' filter, as a table and through the client."""

import time
import uuid

import pytest
from google.api_core.exceptions import InvalidArgument
from google.cloud import tasks_v2

from emulator.errors import Refused
from emulator.queue_filter import parse_filter

QUEUE = tasks_v2.Queue.pb(
    tasks_v2.Queue(
        name="projects/p/locations/l/queues/Mail-out",
        state="PAUSED",
        rate_limits={"max_dispatches_per_second": 0.5, "max_burst_size": 10},
        retry_config={"max_attempts": -1, "min_backoff": {"nanos": 500_000_000}},
        purge_time="2026-07-01T12:00:00Z",
    )
)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("  ", True),
        ("state: PAUSED", True),
        ("state=PAUSED", True),
        ("state = paused", True),
        ("state:RUNNING", False),
        ("state != RUNNING", True),
        ("NOT state = RUNNING", True),
        ("name:mail", True),
        ('name: "queues/MAIL"', True),
        ("name = mail", False),
        ('name = "projects/p/locations/l/queues/mail-out"', True),
        ("rate_limits.max_dispatches_per_second = 0.5", True),
        ("rateLimits.maxDispatchesPerSecond < 1", True),
        ("rate_limits.max_dispatches_per_second <= 0.5", True),
        ("rate_limits.max_dispatches_per_second > 0.5", False),
        ("rate_limits.max_dispatches_per_second >= 0.5", True),
        ("rate_limits.max_dispatches_per_second:0.5", True),
        ("retry_config.max_attempts = -1", True),
        ("retry_config.min_backoff >= 0.5s", True),
        ("retry_config.min_backoff > 0.5", False),
        ('purge_time > "2026-07-01T11:59:59Z"', True),
        ('purge_time > "2026-07-01T12:00:00"', False),
        ("purge_time:*", True),
        ("http_target:*", False),
        ("http_target.uri_override.host = h", False),
        ("NOT http_target:*", True),
        ("state:PAUSED AND name:mail", True),
        ("state:PAUSED name:other", False),
        ("state:RUNNING OR name:mail", True),
        ("state:RUNNING OR state:PAUSED AND name:other", False),  # OR binds closer
        ("(state:RUNNING AND name:other) OR name:mail", True),
        ("NOT (state:RUNNING OR name:other)", True),
        (r'name:"\"mail"', False),
    ],
)
def test_what_fits(text, fits):
    assert parse_filter(text)(QUEUE) is fits


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("state", "a field, a comparison and a value belong here, and there it ends."),
        ("state: (", "a field, a comparison and a value belong here, not '('."),
        ("(state:PAUSED", "a ')' is missing."),
        ("state:PAUSED)", "')' was not expected."),
        ("nonsense = 1", "'nonsense' is not a field of Queue."),
        ("state.x = 1", "'state.x' is not a field of Queue."),
        ("http_target.header_overrides:*", "'http_target.header_overrides' is not a field of"),
        ("rate_limits = 1", "'rate_limits' can only be asked for with ':*'."),
        (
            "retry_config.max_attempts = many",
            "'many' is not a value of 'retry_config.max_attempts'",
        ),
        ("retry_config.min_backoff = soon", "'soon' is not a value of"),
        ("purge_time > yesterday", "'yesterday' is not a value of"),
        ("state < PAUSED", "'state' has no order."),
        ('name: "open', "it cannot be read from '"),
        ("(" * 5000 + "state:PAUSED", "it is nested too deeply."),
        ("state:PAUSED " * 2000, "it has more than 20000 characters."),
    ],
)
def test_what_cannot_be_read_is_refused(text, reason):
    with pytest.raises(Refused) as refused:
        parse_filter(text)
    assert refused.value.message.startswith(f"Invalid filter: {reason}")


def test_a_filter_of_the_longest_is_read_at_once():
    text = "state:PAUSED " * 1500

    def seconds():
        started = time.thread_time()  # of this thread: others of the test process have their own
        assert parse_filter(text)(QUEUE)
        return time.thread_time() - started

    assert min(seconds() for _ in range(3)) < 0.2


def test_lists_are_filtered_page_by_page(client):
    parent = f"projects/p-{uuid.uuid4().hex[:8]}/locations/l-1"
    for number in range(6):
        rate = {"max_dispatches_per_second": 1 + number}
        name = f"{parent}/queues/q{number}"
        client.create_queue(parent=parent, queue={"name": name, "rate_limits": rate})
        if number % 2:
            client.pause_queue(name=name)
    request = {"parent": parent, "filter": "state: PAUSED", "page_size": 2}
    pages = list(client.list_queues(request=request).pages)
    assert [[each.name[-2:] for each in page.queues] for page in pages] == [["q1", "q3"], ["q5"]]
    token = pages[0].next_page_token
    for other in ("", "state: RUNNING"):
        with pytest.raises(InvalidArgument, match="Invalid page token."):
            client.list_queues(request={**request, "filter": other, "page_token": token})
    with pytest.raises(InvalidArgument, match="Invalid filter: 'stat' is not a field of Queue."):
        client.list_queues(request={**request, "filter": "stat: PAUSED"})
