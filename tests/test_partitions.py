"""The tables as partitions, made by docs/partitions.sql: deliveries, searches, pages go on."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from receiver import rows
from receiver.models import Event, Reply, SearchText
from receiver.models.retention import older, prune
from tests.manual import text_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no partitions"),
]


def execute(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def made(body: bytes) -> Event:
    now = timezone.now()
    return Event.of(received_at=now, headers=[], method="POST", path="/", body=body, task="one")


@pytest.fixture
def partitioned():
    """Tables that held one indexed event before they were cut, and have a partition to come."""
    rows.insert([made(b"the needle before")])
    SearchText.objects.catch_up(5)
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute(text_of("docs/partitions.sql"))
    return Event.objects.get()


def partitions_of(table: str) -> list[str]:
    found = execute(
        f"SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '{table}'::regclass"  # noqa: S608
    )
    return sorted(name for (name,) in found)


def test_the_receiver_and_the_pages_go_on(partitioned, admin_client):
    assert partitions_of("receiver_event") == ["receiver_event_default", "receiver_event_first"]
    events = [made(b"the needle after"), made(b"hay")]
    rows.insert(events)
    assert [event.pk - partitioned.pk for event in events] == [1, 2]
    assert SearchText.objects.catch_up(5)
    places = execute("SELECT tableoid::regclass::text FROM receiver_searchtext ORDER BY rowid")
    assert [place for (place,) in places] == [
        "receiver_searchtext_first",
        *["receiver_searchtext_default"] * 2,
    ]
    assert Event.objects.of_task("", "one").count() == 3
    found = SearchText.objects.filter(text__contains="needle").values_list("pk", flat=True)
    assert sorted(found) == [partitioned.pk, events[0].pk]
    for url in ("/events/", f"/events/{events[0].pk}/", f"/events/{partitioned.pk}/", "/"):
        assert admin_client.get(url).status_code == 200, url


def test_a_reply_and_its_events_are_still_bound(partitioned):
    reply = Reply.objects.create(name="Fail", status=503)
    event = made(b"x")
    event.reply_id = reply.pk
    rows.insert([event])
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    reply.delete()
    assert Event.objects.get(pk=event.pk).reply_id is None


def test_the_indexes_keep_the_names_that_migrations_know(partitioned):
    found = {
        name
        for (name,) in execute(
            "SELECT indexname FROM pg_indexes WHERE tablename IN ("
            "'receiver_event', 'receiver_searchtext')"
        )
    }
    declared = {index.name for index in Event._meta.indexes}
    assert declared <= found
    assert {"receiver_event_pkey", "receiver_searchtext_pkey"} <= found
    assert len([name for name in found if "_task_" in name]) == 2


def test_retention_drops_a_partition_or_deletes_as_before(partitioned):
    event = made(b"young")
    rows.insert([event])
    SearchText.objects.catch_up(5)
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("DROP TABLE receiver_searchtext_first")
    execute("ALTER TABLE receiver_event DETACH PARTITION receiver_event_first")
    execute("DROP TABLE receiver_event_first")
    assert list(Event.objects.values_list("pk", flat=True)) == [event.pk]
    soon = timezone.now() + timedelta(seconds=1)
    assert sum(prune(older(Event, "received_at", soon))) == 1
    assert execute("SELECT count(*) FROM receiver_searchtext") == [(0,)]
