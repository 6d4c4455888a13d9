"""The driver asked directly: a transaction is whole or not at all, and errors are Django's."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from receiver import rows
from receiver.driver import first, group
from receiver.models import Event


def insert():
    rows.insert([Event.of(received_at=datetime.now(UTC), headers=[])])


def fail(*, by=lambda: None):
    with group():
        insert()
        by()
        raise ZeroDivisionError


@pytest.mark.django_db(transaction=True)
def test_a_group_is_committed():
    with group():
        insert()
        insert()
    connection.close()  # what was not committed would go with it
    assert Event.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_group_that_fails_leaves_nothing_and_the_connection_as_it_was():
    connection.ensure_connection()
    kept = connection.connection
    with pytest.raises(ZeroDivisionError):
        fail()
    assert not Event.objects.exists()
    with group():
        insert()
    assert Event.objects.count() == 1
    assert connection.connection is kept


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no connection to lose")
@pytest.mark.django_db(transaction=True)
def test_a_group_whose_connection_cannot_go_back_closes_it():
    with pytest.raises(ZeroDivisionError):
        fail(by=lambda: connection.connection.close())
    assert not Event.objects.exists()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite's driver keeps what it compiled")
@pytest.mark.django_db(transaction=True)
def test_the_insert_alone_is_prepared_and_outlives_a_change_of_the_table():
    connection.close()  # whatever other tests have left on it
    for _ in range(10):
        with group():
            insert()
        assert Event.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        ((statement,),) = cursor.fetchall()
    assert statement.startswith('INSERT INTO "receiver_event"')
    alter_as_another("ADD COLUMN later integer NOT NULL DEFAULT 1")
    try:
        with group():
            insert()
    finally:
        alter_as_another("DROP COLUMN later")
    with group():
        insert()
    assert Event.objects.count() == 12


def alter_as_another(change):
    """Change the table on another connection, as a deploy's migration does."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(f"ALTER TABLE receiver_event {change}")
    finally:
        other.close()


@pytest.mark.django_db
def test_a_group_in_a_transaction_is_a_part_of_it():
    with transaction.atomic():
        insert()
        with pytest.raises(ZeroDivisionError):
            fail()
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_the_driver_raises_is_an_error_of_django():
    with pytest.raises(IntegrityError), group():
        first("INSERT INTO receiver_event (id) VALUES (%s)", [1])
    assert first("SELECT %s", ["x"])[0] == "x"
