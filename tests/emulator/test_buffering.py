"""BufferTask: a raw request becomes a task for the place that the queue names."""

from datetime import timedelta

import pytest
from google.cloud import tasks_v2

from emulator.buffering import BufferTaskRequest, buffer_task, buffer_url
from emulator.errors import Refused
from emulator.models import Task
from emulator.work import Work
from tests.emulator.conftest import NOW

Uri = tasks_v2.UriOverride
REQUEST = {"queue": "projects/p/locations/l/queues/q", "task_id": "", "body": b"\x00raw"}


@pytest.mark.parametrize(
    ("override", "url"),
    [
        ({"host": "a.example"}, "https://a.example/"),
        ({"host": "a.example", "scheme": "HTTPS", "port": 8443}, "https://a.example:8443/"),
        ({"host": "a", "scheme": "HTTP", "path_override": {"path": "x/y"}}, "http://a/x/y"),
        ({"host": "a", "path_override": {"path": "/x"}}, "https://a/x"),
        ({"host": "a", "query_override": {"query_params": "b=c&d"}}, "https://a/?b=c&d"),
    ],
)
def test_the_url_is_what_the_override_makes(override, url):
    assert buffer_url(Uri.pb(Uri(override))) == url


@pytest.fixture
def routed(stored_queue):
    """Give the queue an http_target with these further fields."""

    def route(**fields):
        override = {"host": "127.0.0.1", "scheme": "HTTP", "port": 9}
        target = {"uri_override": override, **fields}
        stored_queue.rest = tasks_v2.Queue.serialize(tasks_v2.Queue(http_target=target))
        stored_queue.save()

    return route


def buffer(**fields):
    return buffer_task(
        Work(NOW), BufferTaskRequest(**{**REQUEST, **fields}), tombstone=timedelta(hours=1)
    )


@pytest.mark.django_db(databases=["default", "emulator"])
def test_a_raw_body_becomes_a_task(routed):
    routed()
    made = buffer(content_type="text/plain")
    task = Task.objects.get()
    assert made.name == task.name
    assert task.short_name.isdigit()
    assert (task.method, task.url, bytes(task.body)) == ("POST", "http://127.0.0.1:9/", b"\x00raw")
    assert made.http_request.headers["Content-Type"] == "text/plain"
    assert made.http_request.body == b""
    assert buffer(task_id="mine").name.endswith("/tasks/mine")


@pytest.mark.django_db(databases=["default", "emulator"])
def test_a_method_without_a_body_loses_it(routed):
    routed(http_method="GET")
    buffer()
    task = Task.objects.get()
    assert (task.method, bytes(task.body)) == ("GET", b"")


@pytest.mark.django_db(databases=["default", "emulator"])
def test_a_bad_id_is_refused(routed):
    routed()
    with pytest.raises(Refused, match='Task ID "a b" can contain only'):
        buffer(task_id="a b")
