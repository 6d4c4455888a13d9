"""What Prometheus is told: counted in this process, looked up by index, and nobody else's."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from config import metrics
from receiver.counts import MOST_QUEUES, Counts
from receiver.models import Event, Refusal, Reply

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.django_db


@pytest.fixture
def on(settings, monkeypatch):
    """Metrics switched on, and nothing counted yet."""
    settings.METRICS, settings.METRICS_TOKEN = True, ""
    fresh = Counts()
    for place in ("config.metrics", "receiver.store", "receiver.turned_away"):
        monkeypatch.setattr(f"{place}.counts", fresh)
    monkeypatch.setattr("dashboard.health.database_bytes", lambda: 4096)
    return settings


def scrape(client, **headers):
    """Return {(name, *labels): value} of what a scraper reads, by Prometheus' own parser."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_it_is_not_there_unless_asked_for(client, settings):
    settings.METRICS = False
    assert client.get("/metrics").status_code == 404


def test_a_scrape_tells_what_was_taken_turned_away_and_kept(client, on):
    on.RECEIVER_AUTH = "off"
    labels = {"X-CloudTasks-QueueName": "orders", "X-CloudTasks-TaskName": "1"}
    for _ in range(2):
        assert client.post("/receive", b"x", "text/plain", headers=labels).status_code == 200
    Reply.objects.create(name="Fail", status=503, times=1)
    Reply.objects.create(name="Off", status=503, enabled=False)
    assert client.post("/receive", b"x", "text/plain", headers=labels).status_code == 503
    Reply.objects.create(name="Waits", status=503)
    on.RECEIVER_AUTH = "verify"
    assert client.post("/receive", b"x", "text/plain").status_code == 401
    first = Event.objects.order_by("pk").values("pk")[:1]
    Event.objects.filter(pk__in=first).update(received_at=timezone.now() - timedelta(days=1))

    found = scrape(client)
    assert found["tasks_events_total", "succeeded", "orders"] == 2
    assert found["tasks_events_total", "failed", "orders"] == 1
    assert found["tasks_refusals_total", "missing"] == 1
    assert found["tasks_refusals_total", "audience"] == 0
    assert found["tasks_unstored_total",] == 0
    assert found["tasks_event_seconds_count",] == 3
    assert found["tasks_event_seconds_bucket", "+Inf"] == 3
    assert 0 < found["tasks_event_seconds_sum",] < 60
    assert found["tasks_database_up",] == 1
    assert found["tasks_events_kept",] == 3
    assert 86400 <= found["tasks_oldest_event_seconds",] < 86500
    assert found["tasks_replies_active",] == 1
    assert found["tasks_sent_unfinished",] == 0
    assert found["tasks_database_bytes",] == 4096
    assert found["tasks_refusals_last_hour", "missing"] == 1
    assert found["process_resident_memory_bytes",] > 1e6


def test_an_empty_database_is_told_as_such(client, on):
    found = scrape(client)
    assert found["tasks_events_kept",] == found["tasks_oldest_event_seconds",] == 0


def test_a_process_without_the_receiver_tells_of_the_database_alone(client, on):
    on.SURFACES = ["dashboard"]
    names = {name for name, *_ in scrape(client)}
    assert "tasks_database_up" in names
    assert not {"tasks_events_total", "tasks_refusals_total"} & names


def test_it_asks_the_database_a_fixed_number_of_times(client, on, django_assert_num_queries):
    for rows in (1, 50):
        Event.objects.bulk_create(Event(method="POST", path="/") for _ in range(rows))
        with django_assert_num_queries(5):
            scrape(client)


def test_the_counters_are_told_while_the_database_is_away(client, on, monkeypatch):
    def away():
        raise OperationalError

    monkeypatch.setattr(metrics, "_looked_up", away)
    found = scrape(client)
    assert found["tasks_database_up",] == 0
    assert found["tasks_unstored_total",] == 0
    assert ("tasks_events_kept",) not in found


def test_a_store_that_is_away_is_counted(client, on, monkeypatch):
    def away(*_):
        raise OperationalError

    on.RECEIVER_AUTH = "off"
    monkeypatch.setattr("receiver.store._commit", away)
    assert client.post("/receive", b"x", "text/plain").status_code == 503
    assert scrape(client)["tasks_unstored_total",] == 1


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer t0ken", "bearer token", "token"])
def test_a_scraper_without_the_token_is_refused(client, on, given):
    on.METRICS_TOKEN = "token"
    headers = {} if given is None else {"Authorization": given}
    answer = client.get("/metrics", headers=headers)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert b"tasks_" not in answer.content


def test_a_scraper_with_the_token_reads(client, on):
    on.METRICS_TOKEN = "token"
    assert scrape(client, Authorization="Bearer token")["tasks_database_up",] == 1


def test_the_queues_of_strangers_share_one_label():
    made = Counts()
    for number in range(MOST_QUEUES + 50):
        made.stored(Event(queue=f"q{number}"))
    assert len(made.events) == MOST_QUEUES + 1
    assert made.events["other", "succeeded"] == 50


def test_refusals_of_an_hour_ago_are_not_told(client, on):
    now = timezone.now()
    Refusal.objects.create(reason="host", minute=now - timedelta(minutes=61), count=5)
    Refusal.objects.create(reason="host", minute=now - timedelta(minutes=2), count=2)
    Refusal.objects.create(reason="host", minute=now - timedelta(minutes=1), count=1)
    assert scrape(client)["tasks_refusals_last_hour", "host"] == 3


def test_every_metric_of_the_manual_is_told_and_none_is_missing_there(client, on):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.split("## Watching it")[1].split("\n## ")[0]
    named = set(re.findall(r"`(tasks_\w+)`", table))
    answer = client.get("/metrics").content.decode()
    told = {
        re.sub(r"_total$", "", name) for name in re.findall(r"^# TYPE (tasks_\w+)", answer, re.M)
    }
    assert {re.sub(r"_total$", "", name) for name in named} == told
