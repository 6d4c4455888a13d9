"""Deliveries that wait together share a commit, and answer for themselves alone."""

import asyncio
import threading
from datetime import UTC, datetime

import pytest
from django.db import DataError, OperationalError

from receiver import answers, committer, gathering, rows
from receiver.caller import Caller
from receiver.committer import Busy, Committer
from receiver.delivery import Delivery
from receiver.models import Event, Refusal
from receiver.refusals import Reason, Refused

pytestmark = pytest.mark.django_db(transaction=True)


def delivery(number=0):
    environ = {"REQUEST_METHOD": "POST", "RAW_URI": f"/receive/{number}", "QUERY_STRING": ""}
    return Delivery(environ, b"body %d" % number, Caller(), datetime.now(UTC))


async def stored(*deliveries, count=()):
    """Let one committer store all at the same time, and end; returns what was raised, or None."""
    one = Committer()
    for refused in count:
        one.count({}, refused)
    try:
        return await asyncio.gather(*map(one.store, deliveries), return_exceptions=True)
    finally:
        await one.close()


@pytest.fixture
def batches(monkeypatch):
    """The sizes of the transactions that were tried."""
    seen, insert = [], rows.insert

    def counted(events):
        seen.append(len(events))
        insert(events)

    monkeypatch.setattr(rows, "insert", counted)
    return seen


class Failing:
    """Inserts fail where `fails` says so of one event."""

    def __init__(self, monkeypatch, error, fails=lambda event: True):
        self.insert, self.error, self.fails = rows.insert, error, fails
        monkeypatch.setattr(rows, "insert", self)

    def __call__(self, events):
        self.insert(events)
        if any(self.fails(event) for event in events):
            raise self.error


def test_those_who_wait_together_share_a_commit(batches, caplog):
    caplog.set_level("INFO", "receiver")
    deliveries = [delivery(number) for number in range(100)]
    assert asyncio.run(stored(*deliveries)) == [None] * 100
    assert batches == [100]
    kept = {event.pk: bytes(event.body) for event in Event.objects.all()}
    assert kept == {one.event.pk: one.body for one in deliveries}
    said = [one.reply().body for one in deliveries]
    assert said == [b"Stored as event %d.\n" % one.event.pk for one in deliveries]
    lines = [r.getMessage() for r in caplog.records if r.name == "receiver.events"]
    assert lines == [f"Event Display received event: body {number}" for number in range(100)]


def test_senders_that_were_just_answered_share_the_next_commit(batches, monkeypatch):
    monkeypatch.setattr(gathering, "PATIENCE", 60.0)

    async def main():
        one = Committer()
        await asyncio.gather(*(one.store(delivery(number)) for number in range(8)))
        again = []
        for number in range(8, 15):  # each in a turn of the loop of its own
            again.append(asyncio.create_task(one.store(delivery(number))))
            await asyncio.sleep(0)
        await asyncio.gather(*again)
        await one.close()

    asyncio.run(asyncio.wait_for(main(), 10))
    assert batches == [8, 7]


def test_the_end_waits_for_no_other_sender(batches, monkeypatch):
    monkeypatch.setattr(gathering, "PATIENCE", 60.0)

    async def main():
        one = Committer()
        await asyncio.gather(*(one.store(delivery(number)) for number in range(8)))
        last = asyncio.create_task(one.store(delivery(8)))
        await asyncio.sleep(0)
        await one.close()
        await last

    asyncio.run(asyncio.wait_for(main(), 10))
    assert batches == [8, 1]


def test_what_comes_at_the_end_is_sent_away(monkeypatch):
    held = Held(monkeypatch)

    async def main():
        one = Committer()
        first = asyncio.create_task(one.store(delivery(1)))
        await asyncio.to_thread(held.entered.wait)
        closing = asyncio.create_task(one.close())
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await one.store(delivery(2))
        held.release.set()
        await asyncio.gather(first, closing)

    asyncio.run(asyncio.wait_for(main(), 10))
    assert [bytes(event.body) for event in Event.objects.all()] == [b"body 1"]


def test_a_commit_has_limits(batches, monkeypatch):
    monkeypatch.setattr(committer, "LARGEST_BATCH", 3)
    asyncio.run(stored(*map(delivery, range(7))))
    assert batches == [3, 3, 1]
    monkeypatch.setattr(committer, "LARGEST_BATCH_BYTES", 1)
    asyncio.run(stored(*map(delivery, range(2))))
    assert batches[3:] == [1, 1]


def test_a_row_that_cannot_be_stored_is_an_envelope_among_others():
    deliveries = [delivery(number) for number in range(5)]
    deliveries[2].event.trace = "\ud800"  # neither database takes it
    assert asyncio.run(stored(*deliveries)) == [None] * 5
    previews = [event.preview for event in Event.objects.order_by("pk")]
    assert previews.count("(only the body could be stored)") == 1
    assert {bytes(event.body) for event in Event.objects.all()} == {one.body for one in deliveries}
    assert all(one.reply().status == 200 for one in deliveries)


def test_what_cannot_be_stored_at_all_fails_alone(monkeypatch):
    Failing(monkeypatch, DataError("bad"), lambda event: bytes(event.body) == b"body 2")
    deliveries = [delivery(number) for number in range(5)]
    asyncio.run(stored(*deliveries))
    assert [one.reply().status for one in deliveries] == [200, 200, 500, 200, 200]
    assert Event.objects.count() == 4


def test_without_the_database_all_are_told_so_and_nothing_is_kept(monkeypatch):
    failing = Failing(monkeypatch, OperationalError("away"))
    deliveries = [delivery(number) for number in range(5)]
    asyncio.run(stored(*deliveries))
    assert [one.reply() for one in deliveries] == [answers.STORE_AWAY] * 5
    assert not Event.objects.exists()
    failing.fails = lambda event: False
    asyncio.run(stored(*deliveries, delivery(9)))
    assert Event.objects.count() == 6


def test_a_lock_that_was_waited_for_is_not_waited_for_by_each(monkeypatch):
    tried = []

    def slow(events):
        tried.append(len(events))
        raise OperationalError("locked")

    monkeypatch.setattr(rows, "insert", slow)
    monkeypatch.setattr("receiver.store.QUICK", 0.0)
    deliveries = [delivery(number) for number in range(5)]
    asyncio.run(stored(*deliveries))
    assert tried == [5]
    assert all(one.reply() is answers.STORE_AWAY for one in deliveries)


def test_a_mistake_of_ours_is_500_and_the_thread_goes_on(monkeypatch):
    def broken(deliveries):
        raise ZeroDivisionError

    monkeypatch.setattr(committer, "store", broken)
    one = delivery()
    asyncio.run(stored(one))
    assert one.reply() is answers.NOT_STORED


class Held:
    """A database that takes its time: until `release` is set."""

    def __init__(self, monkeypatch):
        self.release, self.entered, store = threading.Event(), threading.Event(), committer.store

        def held(deliveries):
            self.entered.set()
            self.release.wait(30)
            store(deliveries)

        monkeypatch.setattr(committer, "store", held)


@pytest.mark.parametrize("limit", ["MOST_WAITING", "MOST_WAITING_BYTES"])
def test_no_more_may_wait_than_there_is_room_for(monkeypatch, limit):
    held = Held(monkeypatch)
    monkeypatch.setattr(committer, limit, 1)

    async def main():
        one = Committer()
        first = asyncio.create_task(one.store(delivery()))
        await asyncio.to_thread(held.entered.wait)
        with pytest.raises(Busy):
            await one.store(delivery())
        held.release.set()
        await first
        await one.store(delivery())
        await one.close()

    asyncio.run(main())
    assert Event.objects.count() == 2


def test_who_has_waited_too_long_is_told_so_and_not_written(monkeypatch):
    held = Held(monkeypatch)
    monkeypatch.setattr(committer, "PATIENCE", 0.1)

    async def main():
        one = Committer()
        first = asyncio.create_task(one.store(delivery(1)))
        await asyncio.to_thread(held.entered.wait)
        with pytest.raises(Busy):
            await one.store(delivery(2))
        held.release.set()
        with pytest.raises(Busy):
            await first
        await one.close()

    asyncio.run(main())
    assert [bytes(event.body) for event in Event.objects.all()] == [b"body 1"]


def test_refusals_are_counted_together(monkeypatch):
    written = []
    save = Refusal.objects.count_more

    def counted(*args, **kwargs):
        written.append(args)
        return save(*args, **kwargs)

    monkeypatch.setattr(Refusal.objects.__class__, "count_more", staticmethod(counted))
    many = [Refused(Reason.MISSING)] * 500 + [Refused(Reason.ISSUER, "a@b", "aud")] * 3
    asyncio.run(stored(count=many))
    assert dict(Refusal.objects.values_list("reason", "count")) == {"missing": 500, "issuer": 3}
    assert Refusal.objects.get(reason="issuer").account == "a@b"
    assert len(written) <= 3


def test_a_row_is_what_the_orm_would_have_written():
    written, saved = delivery(7).event, delivery(7).event
    saved.received_at = written.received_at
    written.eta = saved.eta = datetime(2022, 10, 25, 4, 7, 35, 329625, tzinfo=UTC)
    written.headers = saved.headers = [["X-Name", 'Zoë "💚"']]
    rows.insert([written])
    saved.save(force_insert=True)
    names = [field.attname for field in Event._meta.concrete_fields if not field.primary_key]
    one, other = Event.objects.filter(pk__in=[written.pk, saved.pk]).values(*names)
    assert one == other
    raw = Event.objects.extra(select={"text": "CAST(received_at AS text)"}).values_list("text")  # noqa: S610
    assert raw[0] == raw[1]


def test_an_event_of_values_is_what_the_class_makes():
    now = datetime.now(UTC)
    quick, usual = (make(received_at=now, headers=[], task="t") for make in (Event.of, Event))
    names = [field.attname for field in Event._meta.concrete_fields]
    assert [getattr(quick, name) for name in names] == [getattr(usual, name) for name in names]
    quick.save()
    assert Event.objects.get().task == "t"
