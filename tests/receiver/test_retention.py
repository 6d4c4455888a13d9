"""What is old goes, oldest first, in bites; what is young stays, and deliveries go on."""

import http.client
import io
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from receiver.models import Event, Refusal, retention
from tests.receiver.server import Server


@pytest.fixture
def rows(db):
    """Events and refusals of 1, 8, 29, 31 and 400 days ago."""
    now = timezone.now()
    for days in (1, 8, 29, 31, 400):
        at = now - timedelta(days=days)
        Event.objects.create(method="POST", path="/", task=f"d{days}", body=b"x", received_at=at)
        Refusal.objects.create(reason="missing", minute=at, task=f"d{days}")


def prune(*options):
    out = io.StringIO()
    call_command("prune_events", *options, stdout=out)
    return out.getvalue().splitlines()


def left():
    return [
        list(model.objects.order_by("-id").values_list("task", flat=True))
        for model in (Event, Refusal)
    ]


def test_what_is_older_goes(rows):
    first, second, third, fourth = prune("--days", "30")
    assert first.startswith("2 events from before ")
    assert first.endswith(" UTC go.")
    assert second == "2 events deleted."
    assert third.startswith("2 refusals from before ")
    assert fourth == "2 refusals deleted."
    assert left() == [["d29", "d8", "d1"]] * 2


def test_a_dry_run_counts_alone(rows):
    first, second = prune("--days", "7", "--dry-run")
    assert first.startswith("4 events from before ")
    assert first.endswith(" UTC would go.")
    assert second.startswith("4 refusals from before ")
    assert left() == [["d400", "d31", "d29", "d8", "d1"]] * 2


def test_nothing_is_old(rows):
    assert prune("--days", "36500")[1] == "0 events deleted."
    assert len(left()[0]) == 5


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "x", "", "٣", "36501", "9" * 5000])
def test_a_bad_number_of_days_is_refused_with_a_sentence(rows, days):
    with pytest.raises(CommandError, match="a whole number of days from 1 to 36500, not"):
        prune(f"--days={days}")
    assert len(left()[0]) == 5


@pytest.mark.parametrize(
    ("options", "events", "refusals"),
    [
        (["--keep", "2"], ["d8", "d1"], 5),
        (["--keep", "9"], ["d400", "d31", "d29", "d8", "d1"], 5),
        (["--keep", "3", "--days", "7"], ["d1"], 1),
        (["--keep", "1", "--days", "30"], ["d1"], 3),
    ],
)
def test_so_many_are_kept(rows, options, events, refusals):
    prune(*options)
    assert left()[0] == events
    assert len(left()[1]) == refusals


def test_a_bad_number_to_keep_is_refused_with_a_sentence(rows):
    with pytest.raises(CommandError, match="a whole number of events from 1 to"):
        prune("--keep=0")


def test_days_or_a_number_are_required(rows):
    with pytest.raises(CommandError, match="--days N, --keep N"):
        prune()


@pytest.mark.django_db(transaction=True)
def test_it_goes_oldest_first_in_bites_each_a_transaction_and_reads_no_body(monkeypatch):
    monkeypatch.setattr(retention, "BITE", 3)
    monkeypatch.setattr(retention, "PAUSE", 0)
    now = timezone.now()
    for age in (1, 7, 3, 5, 2, 6, 4):
        Event.objects.create(task=f"{age}", received_at=now - timedelta(days=age), body=b"b")
    seen, bites = [], []
    with CaptureQueriesContext(connection) as queries:
        for gone in retention.prune(retention.older(Event, "received_at", now)):
            bites.append(gone)
            seen.append(sorted(Event.objects.values_list("task", flat=True)))
            assert not connection.in_atomic_block
    assert bites == [3, 3, 1]
    assert seen == [["1", "2", "3", "4"], ["1"], []]
    assert not any('"body"' in query["sql"] for query in queries)
    assert sum("DELETE" in query["sql"] for query in queries) == 3


@pytest.mark.parametrize(("locked", "gone"), [(12, 1), (13, None)])
def test_a_database_that_is_busy_is_tried_again_for_a_while(rows, monkeypatch, locked, gone):
    delete, tries = Event.objects.none().delete.__func__, []

    def busy(queryset):
        tries.append(1)
        if len(tries) <= locked:
            raise OperationalError("database is locked")
        return delete(queryset)

    monkeypatch.setattr("django.db.models.query.QuerySet.delete", busy)
    old = retention.older(Event, "received_at", timezone.now() - timedelta(days=399))
    if gone:
        assert list(retention.prune(old)) == [gone]
    else:
        with pytest.raises(OperationalError):
            list(retention.prune(old))


def test_a_database_that_gives_up_is_a_sentence(rows, monkeypatch):
    def fail(found):
        raise OperationalError("locked")

    monkeypatch.setattr("receiver.management.commands.prune_events.prune", fail)
    with pytest.raises(CommandError, match=r"The database gave up \(locked\)"):
        prune("--days", "30")


def test_deliveries_go_on_meanwhile(tmp_path):
    """Real processes: every request is answered 200 while thousands of old rows go."""
    fill = (
        "from datetime import datetime, UTC; from receiver.models import Event;"
        "old = datetime(2020, 1, 1, tzinfo=UTC);"
        "Event.objects.bulk_create([Event(received_at=old, body=b'x' * 1000)] * 4000, 500)"
    )
    with Server(tmp_path) as server:
        server.manage("shell", "-c", fill)
        answered, over = [], threading.Event()

        def work():
            connection = http.client.HTTPConnection(*server.address, timeout=30)
            while not over.is_set():
                connection.request("POST", "/receive", b"now")
                answer = connection.getresponse()
                answer.read()
                answered.append(answer.status)
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            printed = server.manage("prune_events", "--days", "30")
        finally:
            over.set()
            for thread in threads:
                thread.join(30)
        assert "4000 events deleted." in printed
        assert set(answered) == {200}
        stored = server.rows("SELECT count(*) FROM receiver_event")[0][0]
        assert stored == len(answered) > 0
