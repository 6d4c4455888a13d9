"""A connection that PostgreSQL has cut is no fault of what was sent."""

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from receiver.caller import Caller
from receiver.delivery import Delivery
from receiver.models import Event
from receiver.store import store


@pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL: in the run on it")
@pytest.mark.django_db(transaction=True)
def test_what_meets_a_cut_connection_is_stored_whole_on_a_new_one(rf):
    environ = rf.post("/receive/cut", headers={"X-Kept": "1"}).META
    delivery = Delivery(environ, b"whole", Caller(), timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
    store([delivery])
    assert (delivery.error, delivery.odd) == (None, None)
    event = Event.objects.get()
    assert bytes(event.body) == b"whole"
    assert ["X-Kept", "1"] in event.headers
