"""ListTasks: pages, and the tokens that lead from one to the next."""

import base64
import json

import pytest
from google.api_core.exceptions import InvalidArgument

from tests.emulator.test_tasks import FULL, URL
from tests.emulator.wires import EVERY_WIRE, over_grpc, refuses, unrecorded

WIRES = EVERY_WIRE
# Google promises neither the size of a page nor an order, and its refusals are not on record.
pytestmark = unrecorded


@pytest.mark.parametrize("last", ["²", "9" * 5_000, "-1", ""])
def test_a_token_that_names_no_key_is_refused(client, queue, last):
    token = base64.urlsafe_b64encode(json.dumps([queue, last]).encode()).decode()
    with refuses(InvalidArgument, match="Invalid page token"):
        list(client.list_tasks(request={"parent": queue, "page_token": token}))


@over_grpc  # no URL is that long
def test_a_token_of_many_brackets_is_refused(client, queue):
    token = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    with refuses(InvalidArgument, match="Invalid page token"):
        list(client.list_tasks(request={"parent": queue, "page_token": token}))


def test_tasks_are_listed_page_by_page(client, paused, send):
    names = {send(paused, URL, schedule_time=None).name for _ in range(7)}
    pages = list(client.list_tasks(request={"parent": paused, "page_size": 3}).pages)
    assert [len(page.tasks) for page in pages] == [3, 3, 1]
    assert {task.name for page in pages for task in page.tasks} == names
    assert not pages[-1].next_page_token


def test_a_page_survives_the_end_of_its_last_task(client, paused, send):
    names = [send(paused, URL).name for _ in range(4)]
    first = next(client.list_tasks(request={"parent": paused, "page_size": 2}).pages)
    client.delete_task(name=names[1])
    rest = client.list_tasks(
        request={"parent": paused, "page_size": 2, "page_token": first.next_page_token}
    )
    assert [task.name for task in rest] == names[2:]


def test_a_token_of_another_list_is_refused(client, make_queue, paused, send):
    for _ in range(2):
        send(paused, URL)
    first = next(client.list_tasks(request={"parent": paused, "page_size": 1}).pages)
    with refuses(InvalidArgument, match="Invalid page token."):
        client.list_tasks(request={"parent": make_queue(), "page_token": first.next_page_token})


def test_a_page_of_large_tasks_fits_a_plain_channel(client, paused, send):
    for _ in range(6):
        send(paused, URL, body=b"b" * 1_000_000)
    pages = list(client.list_tasks(request={"parent": paused, "response_view": FULL}).pages)
    assert [len(page.tasks) for page in pages] == [4, 2]
    assert len(list(client.list_tasks(parent=paused))) == 6
