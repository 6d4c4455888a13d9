"""The index of bodies: filled by and by, complete, and gone with its events."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections
from django.utils import timezone

from receiver.models import Event, SearchMark, SearchText, retention, search_text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(search_text, "PAUSE", 0)


def arrive(*bodies, **values):
    return [Event.objects.create(method="POST", path="/", body=body, **values) for body in bodies]


def indexed():
    return dict(SearchText.objects.order_by("pk").values_list("pk", "text"))


def run(command="index_events"):
    out = io.StringIO()
    call_command(command, stdout=out, stderr=out)
    return out.getvalue()


def test_every_event_is_indexed_once(monkeypatch):
    monkeypatch.setattr(search_text, "BITE", 2)
    first = arrive(b'{"A": "na\\u00efve"}', b"", b"\x00\xff", "Zoë".encode(), b"x" * 100_000)
    assert SearchText.objects.catch_up(10)
    texts = ['{"a":"naïve"}', "", r"\x00\xff", "zoë", "x" * 8192]
    assert indexed() == dict(zip([event.pk for event in first], texts, strict=True))
    assert not SearchText.objects.missing().exists()
    (later,) = arrive(b"later")
    assert list(SearchText.objects.missing()) == [later]
    assert SearchText.objects.catch_up(10)
    assert indexed()[later.pk] == "later"
    assert len(indexed()) == 6


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps no segments")
def test_a_bite_is_one_segment_of_the_index():
    """A segment for each event is what SQLite would merge, and merge again."""
    arrive(*(b"body %d" % n for n in range(40)))
    assert SearchText.objects.catch_up(10)
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(DISTINCT segid) FROM receiver_searchtext_idx")
        assert cursor.fetchone() == (1,)


def test_a_slice_ends_in_time_and_the_next_one_goes_on(monkeypatch):
    monkeypatch.setattr(search_text, "BITE", 1)
    events = arrive(b"one", b"two", b"three")
    assert SearchText.objects.catch_up(0) is False
    assert list(indexed()) == [events[0].pk]
    assert SearchText.objects.catch_up(10) is True
    assert list(indexed()) == [event.pk for event in events]


def test_an_event_that_is_committed_late_is_not_passed_over():
    """With several writers a lower id can appear after a higher one was indexed."""
    first, late, last = arrive(b"first", b"late", b"last")
    Event.objects.filter(pk=late.pk).delete()
    assert SearchText.objects.catch_up(10)
    settled = SearchMark.objects.get().settled
    if connection.vendor == "sqlite":
        assert settled == last.pk  # its one writer makes ids in the order of commits
        return
    assert settled == first.pk - 1
    late.save(force_insert=True)
    assert SearchText.objects.catch_up(10)
    assert indexed()[late.pk] == "late"


def test_what_is_old_is_settled_and_not_looked_at_again():
    old = arrive(b"a", b"b", received_at=timezone.now() - search_text.LATE - timedelta(seconds=1))
    (new,) = arrive(b"c")
    assert SearchText.objects.catch_up(10)
    newest = new.pk if connection.vendor == "sqlite" else old[-1].pk
    assert SearchMark.objects.get().settled == newest
    Event.objects.filter(pk=new.pk).update(received_at=old[0].received_at)
    assert SearchText.objects.catch_up(10)
    assert SearchMark.objects.get().settled == new.pk


@pytest.mark.parametrize("delete", ["one", "many", "bites", "sql"])
def test_the_text_goes_with_its_event(delete):
    keep, gone = arrive(b"keep", b"gone")
    assert SearchText.objects.catch_up(10)
    rows = Event.objects.filter(pk=gone.pk)
    if delete == "one":
        gone.delete()
    elif delete == "many":
        assert rows.delete()[0] == 1
    elif delete == "bites":
        assert list(retention.prune(rows)) == [1]
    else:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM receiver_event WHERE body = %s", [b"gone"])
    assert list(indexed()) == [keep.pk]


def test_an_event_that_is_deleted_meanwhile_leaves_no_text(monkeypatch):
    keep, gone = arrive(b"keep", b"gone")
    read = search_text.SearchTextManager._rows

    def then_deleted(self):
        rows = read(self)
        Event.objects.filter(pk=gone.pk).delete()
        return rows

    monkeypatch.setattr(search_text.SearchTextManager, "_rows", then_deleted)
    assert SearchText.objects.catch_up(10)
    assert list(indexed()) == [keep.pk]


def test_the_command_indexes_everything_and_says_so():
    arrive(b"one", b"two")
    assert run() == "Every event is indexed.\n"
    assert list(indexed().values()) == ["one", "two"]


def test_the_command_gives_up_where_nothing_moves(monkeypatch):
    def locked(self):
        raise OperationalError("database is locked")

    arrive(b"one")
    monkeypatch.setattr(search_text.SearchTextManager, "_bite", locked)
    with pytest.raises(CommandError, match="run it again"):
        run()


@pytest.mark.django_db(transaction=True)
def test_who_finds_another_at_it_does_not_wait(monkeypatch):
    monkeypatch.setattr(search_text, "LOCK_MS", 1)
    arrive(b"one")
    assert SearchText.objects.catch_up(10)
    (two,) = arrive(b"two")
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("BEGIN IMMEDIATE")
            else:
                cursor.execute("BEGIN")
                cursor.execute("SELECT 1 FROM receiver_searchmark FOR UPDATE")
            assert SearchText.objects.catch_up(10) is False
            assert list(SearchText.objects.missing()) == [two]
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert SearchText.objects.catch_up(10)
    assert list(indexed().values()) == ["one", "two"]


def test_the_database_has_the_index_here():
    """What the tests run on has both; elsewhere a search looks through the newest alone."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'receiver_searchtext'")
            assert "fts5" in cursor.fetchone()[0]
        else:
            cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename='receiver_searchtext'")
            assert any("gin_trgm_ops" in row[0] for row in cursor.fetchall())
