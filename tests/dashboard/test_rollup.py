"""Events counted ahead: always what a plain GROUP BY says, whoever writes or deletes meanwhile."""

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import OperationalError, connection

from dashboard import cache, counts, figures, rollup
from dashboard.models import Tally, TallyMark
from receiver.models import Event
from tests.dashboard.conftest import make_event
from tests.processes import ROOT, FreshDatabase

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def make_events(ages, **changes) -> list[Event]:
    """Store events that were received so many minutes ago, in this order."""
    made = [
        Event(
            received_at=NOW - timedelta(minutes=age),
            queue=f"q{n % 3}",
            outcome=("succeeded", "failed")[n % 4 == 0],
            took_us=None if n % 7 == 0 else 300 * (n % 50),
            method="POST",
            path="/",
            **changes,
        )
        for n, age in enumerate(ages)
    ]
    return Event.objects.bulk_create(made)


def all_counted() -> None:
    while rollup.advance():
        pass


def gaps_above(pk: int) -> list[list[int]]:
    return [gap for gap in TallyMark.now().gaps if gap[0] > pk]


def plainly(first: datetime) -> Counter:
    """Count by queue and outcome as a plain GROUP BY does."""
    rows = Event.objects.filter(received_at__gte=first).values_list("queue", "outcome")
    return Counter(rows)


def as_figures_say(key: str) -> tuple[Counter, datetime]:
    cache.clear()
    found = figures.look_back(key)
    assert found.to_go == 0
    said = Counter()
    for queue, share in found.by_queue.items():
        said[queue, "succeeded"] = share.succeeded
        said[queue, "failed"] = share.failed
    assert sum(found.series("events")) == sum(said.values())
    return +said, found.bars[0].start


def assert_exact() -> None:
    for key in figures.PERIODS:
        said, first = as_figures_say(key)
        assert said == plainly(first), key
    outcomes = Counter(Event.objects.values_list("outcome", flat=True))
    every = counts.events_by_outcome()
    assert every["all"] == f"{sum(outcomes.values()):,}"
    assert every["failed"] == f"{outcomes['failed']:,}"
    assert sum(counts.events_by_queue().values()) == sum(outcomes.values())


def test_tallies_are_exact_whatever_is_counted_ahead(monkeypatch):
    monkeypatch.setattr(rollup, "SLICE", 40)
    monkeypatch.setattr(rollup, "FEW", 10**6)
    make_events(range(12_000, 0, -60))
    assert_exact()
    assert not Tally.objects.exists()
    for _ in range(12):
        rollup.advance()
        if TallyMark.now().down == 0:
            assert_exact()
    all_counted()
    assert_exact()
    assert sum(Tally.objects.filter(seconds=60).values_list("count", flat=True)) == 200
    assert sum(Tally.objects.filter(seconds=3600).values_list("count", flat=True)) == 200
    make_events(range(50, 0, -1))
    assert_exact()  # the new ones live
    all_counted()
    assert_exact()
    took = Counter()
    for one in Tally.objects.filter(seconds=3600):
        took.update(one.took)
    assert sum(took.values()) == Event.objects.exclude(took_us=None).count()


def test_until_old_events_are_counted_the_page_says_how_many_to_go(
    admin_client, cloud, monkeypatch
):
    monkeypatch.setattr(rollup, "SLICE", 20)
    monkeypatch.setattr(rollup, "FEW", 50)
    monkeypatch.setattr(figures, "CATCH_UP", 0)
    make_events([5] * 100)
    for left in (80, 60, 40):
        cache.clear()
        page = admin_client.get("/").content.decode()
        assert f"about {left} events to go" in page
        assert 'hx-trigger="every 2s"' in page
    assert counts.events_by_outcome()["all"] == "100"  # counted one by one meanwhile
    all_counted()
    cache.clear()
    assert "events to go" not in admin_client.get("/").content.decode()


def test_a_day_is_whole_before_what_is_older_is_counted(monkeypatch):
    monkeypatch.setattr(rollup, "SLICE", 50)
    make_events([3000] * 100 + [5] * 40)
    rollup.advance()
    assert rollup.to_go(TallyMark.now(), NOW - timedelta(days=1)) == 0
    assert rollup.to_go(TallyMark.now()) == 90


def test_an_id_that_is_committed_late_is_counted_once():
    first = make_event().pk
    all_counted()
    make_event(id=first + 5)
    rollup.advance()
    assert gaps_above(first) == [[first + 1, first + 4]]
    make_event(id=first + 2, status=500)
    assert_exact()  # live
    rollup.advance()
    assert gaps_above(first) == [[first + 1, first + 1], [first + 3, first + 4]]
    assert_exact()
    assert sum(Tally.objects.filter(seconds=60).values_list("count", flat=True)) == 3


def test_what_nobody_has_filled_for_an_hour_is_no_gap_any_more():
    first = make_event(received_at=NOW - timedelta(minutes=90)).pk
    all_counted()
    make_event(id=first + 5, received_at=NOW - timedelta(minutes=50))
    rollup.advance()
    assert TallyMark.now().gaps == [[first + 1, first + 4]]
    Event.objects.filter(pk=first + 5).update(received_at=NOW - timedelta(minutes=70))
    make_event(id=first + 6)
    all_counted()
    assert TallyMark.now().gaps == []


def test_of_two_that_count_the_same_slice_one_is_thrown_away(monkeypatch):
    make_events(range(30))
    rollup.advance()
    real = rollup.group

    def overtaken(events):
        monkeypatch.setattr(rollup, "group", real)
        rows = real(events)
        rollup.advance()  # somebody else, in between
        return rows

    monkeypatch.setattr(rollup, "group", overtaken)
    all_counted()
    assert sum(Tally.objects.filter(seconds=60).values_list("count", flat=True)) == 30
    assert_exact()


@pytest.mark.parametrize("days", [1, 3])
def test_what_retention_deletes_is_taken_out(days):
    make_events(range(8 * 24 * 60, 0, -17))
    all_counted()
    for _ in range(2):
        call_command("prune_events", days=days, stdout=StringIO())
        assert_exact()
        make_events([5, 3])
        all_counted()
        days = 1
    Event.objects.all().delete()
    assert_exact()
    assert_counted_nothing()


def assert_counted_nothing():
    rollup.advance()
    assert not Tally.objects.exists()


def test_half_a_minute_can_be_deleted():
    begin = NOW.replace(second=0, microsecond=0) - timedelta(minutes=40)
    for second in range(0, 120, 10):
        make_event(received_at=begin + timedelta(seconds=second))
    all_counted()
    Event.objects.filter(received_at__lt=begin + timedelta(seconds=35)).delete()
    assert_exact()


def test_a_page_does_not_wait_for_a_busy_database(monkeypatch):
    make_events([5] * 30)
    monkeypatch.setattr(rollup, "FEW", 10)

    def busy(*args, **changes):
        raise OperationalError("database is locked")

    monkeypatch.setattr(rollup, "_commit", busy)
    TallyMark.objects.create(pk=1)
    assert_exact()


def test_writers_and_readers_at_once_lose_and_double_nothing(tmp_path):
    with FreshDatabase("DATABASE_URL") as database:
        command = [sys.executable, "-W", "error", "-m", "tests.dashboard.counting"]
        environment = os.environ | {"VAR_DIR": str(tmp_path)} | database.environment
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["errors"] == []
    assert found["slices"] > 3
    assert found["while they wrote"] > 1
    assert found["stored"] == found["figures"] == found["tallied"] == 1280


def test_the_command_counts_everything(monkeypatch):
    monkeypatch.setattr(rollup, "SLICE", 20)
    make_events([5] * 50)
    out = StringIO()
    call_command("count_events", stdout=out)
    assert out.getvalue() == "50 events counted.\n"
    assert TallyMark.now().down == 0
    call_command("count_events", stdout=out)
    assert out.getvalue().endswith("\n0 events counted.\n")
    assert_exact()


def test_tallies_of_an_older_version_are_counted_again():
    make_events(range(12_000, 0, -60))
    all_counted()
    Tally.objects.filter(seconds=10_800).delete()  # as it left them
    migration = import_module("dashboard.migrations.0005_tallies_of_three_hours")
    migration.forget(apps, connection.schema_editor())
    all_counted()
    assert_exact()
    assert sum(Tally.objects.filter(seconds=10_800).values_list("count", flat=True)) == 200


def test_what_an_old_revision_counted_beside_this_one_is_counted_again():
    make_events(range(12_000, 0, -60))
    all_counted()
    Tally.objects.filter(seconds=10_800).delete()  # which it does not know
    out = StringIO()
    call_command("count_events", again=True, stdout=out)
    assert out.getvalue() == "200 events counted.\n"
    assert_exact()
    assert sum(Tally.objects.filter(seconds=10_800).values_list("count", flat=True)) == 200
