"""What Prometheus reads: the text as a table, and the figures of a running emulator."""

import contextlib
import re
import sqlite3
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from emulator.metrics import MOST_QUEUES, Histogram, Metrics, exposition, status_class
from tests.emulator.conftest import PARENT, client_of, ended
from tests.processes import EmulatorProcess, eventually


def test_the_text_says_everything_once():
    metrics = Metrics()
    metrics.started("q", 0.004)
    metrics.started("q", None)
    metrics.answered("q", 503, 0.2)
    metrics.ended("q")
    metrics.create_seconds.observe(0.002)
    metrics.batch_sizes.observe(3)
    lines = exposition(metrics, [("q", 7, 2, 1.5)], 60.0).splitlines()
    assert 'cloud_tasks_tasks{queue="q"} 7' in lines
    assert 'cloud_tasks_due_tasks{queue="q"} 2' in lines
    assert 'cloud_tasks_oldest_due_seconds{queue="q"} 1.5' in lines
    assert 'cloud_tasks_in_flight_requests{queue="q"} 1' in lines
    assert 'cloud_tasks_attempts_total{queue="q",status="5xx"} 1' in lines
    assert 'cloud_tasks_dispatch_seconds_bucket{le="0.005"} 1' in lines
    assert "cloud_tasks_dispatch_seconds_count 1" in lines
    assert 'cloud_tasks_committer_batch_size_bucket{le="2"} 0' in lines
    assert 'cloud_tasks_committer_batch_size_bucket{le="+Inf"} 1' in lines
    assert "cloud_tasks_create_seconds_sum 0.002" in lines
    assert "cloud_tasks_clock_offset_seconds 60.0" in lines
    kinds = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(kinds) == len(set(kinds)) == 10
    series = [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    assert len(series) == len(set(series))


def test_a_histogram_counts_up_to_each_bound():
    histogram = Histogram((1, 2))
    for value in (0.5, 1, 1.5, 9):
        histogram.observe(value)
    assert list(histogram.buckets()) == [("1", 2), ("2", 3), ("+Inf", 4)]
    assert histogram.total == 12


def test_very_many_queues_share_a_label():
    metrics = Metrics()
    for number in range(MOST_QUEUES + 50):
        metrics.started(f"q{number}", 0.0)
    assert len(metrics.in_flight) == MOST_QUEUES + 1
    assert metrics.in_flight["other"] == 50
    text = exposition(metrics, [("x", 2, 1, 3.0), ("y", 3, 1, 2.0)], 0.0)
    assert 'cloud_tasks_tasks{queue="other"} 5' in text
    assert 'cloud_tasks_oldest_due_seconds{queue="other"} 3.0' in text


@pytest.mark.parametrize(
    ("status", "wanted"),
    [(200, "2xx"), (304, "3xx"), (429, "4xx"), (599, "5xx"), (None, "none"), (999, "none")],
)
def test_statuses_fall_into_classes(status, wanted):
    assert status_class(status) == wanted


def test_a_name_cannot_break_the_text():
    text = exposition(Metrics(), [('a"b\\c\n', 1, 0, 0.0)], 0.0)
    assert 'cloud_tasks_tasks{queue="a\\"b\\\\c\\n"} 1' in text


def test_a_running_emulator_counts(emulator, client, queue, send, target):
    target.script = [500]
    client.pause_queue(name=queue)
    name = send(queue, target.url).name
    assert value(emulator, "tasks", queue=queue) == 1
    assert value(emulator, "due_tasks", queue=queue) == 1
    client.resume_queue(name=queue)
    eventually(lambda: ended(client, name))
    assert value(emulator, "attempts_total", queue=queue, status="5xx") == 1
    assert value(emulator, "attempts_total", queue=queue, status="2xx") == 1
    assert value(emulator, "create_seconds_count") >= 1
    assert value(emulator, "dispatch_seconds_count") >= 2
    assert value(emulator, "committer_batch_size_count") >= 3
    eventually(lambda: value(emulator, "in_flight_requests", queue=queue) == 0)


def value(emulator, name, **labels):
    """Return the value of one series."""
    with urllib.request.urlopen(f"{emulator.http_url}/metrics", timeout=5) as response:  # noqa: S310
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = response.read().decode()
    inside = ",".join(f'{key}="{label}"' for key, label in labels.items())
    series = re.escape(f"cloud_tasks_{name}" + (f"{{{inside}}}" if inside else ""))
    (found,) = re.findall(rf"^{series} (\S+)$", text, re.M)
    return float(found)


@contextlib.contextmanager
def writers_held(emulator):
    """Let nobody write to the emulator's tables for as long as the block."""
    if emulator.database.url:
        with psycopg.connect(emulator.database.url) as connection:
            connection.execute("LOCK TABLE emulator_task IN EXCLUSIVE MODE")
            yield
            connection.rollback()
        return
    with contextlib.closing(sqlite3.connect(emulator.folder / "emulator.sqlite3")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.rollback()


@pytest.mark.parametrize("path", ["metrics", "emulator/tasks", "emulator/tasks/attempts"])
def test_reading_and_writing_do_not_wait_for_each_other(tmp_path, path):
    task = {"http_request": {"url": "http://127.0.0.1:9/"}}
    with (
        EmulatorProcess(tmp_path, "--queue", "default") as own,
        client_of(own.endpoint) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        with writers_held(own):
            creating = pool.submit(client.create_task, parent=f"{PARENT}/queues/default", task=task)
            with urllib.request.urlopen(f"{own.http_url}/{path}", timeout=4) as answer:
                assert answer.status == 200
            assert not creating.done()
        assert creating.result(20).name
