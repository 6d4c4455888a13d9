"""Keeps deliveries: one transaction for all that came at the same time. Nothing is poison."""

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import InterfaceError, OperationalError, connection, transaction

from . import recorder, replies, rows
from .counts import counts
from .delivery import Delivery
from .driver import group
from .recorder import StoreAway, named

trouble = logging.getLogger("receiver.trouble")
AWAY = (OperationalError, InterfaceError)
# A failure that took longer (seconds) has waited for a lock or a server: the next would as well.
QUICK = 1.0


def store(deliveries: Sequence[Delivery]) -> None:
    """Commit deliveries together, or one by one where one of them breaks the transaction.

    Afterwards each has its event's key, or its `error`: StoreAway, or whatever the database
    raised where not even an envelope with nothing but the exact body could be stored.
    """
    began = time.monotonic()
    try:
        _commit_on_a_live_connection(deliveries)
    except AWAY as error:
        trouble.error("Could not store %s: %s.", _counted(deliveries), named(error))
        if len(deliveries) > 1 and time.monotonic() - began < QUICK:
            _one_by_one(deliveries)
        else:
            _fail(deliveries, error)
    except Exception as error:
        if len(deliveries) > 1:
            _one_by_one(deliveries)
        else:
            _store_envelope(deliveries[0], error)


def write_lines(deliveries: Sequence[Delivery]) -> None:
    """Write the log line of each that was stored, after its commit, and count them all."""
    for delivery in deliveries:
        if delivery.error is None:
            if delivery.odd:
                what = named(delivery.odd)
                trouble.error("Event %s is only an envelope: %s.", delivery.event.pk, what)
            recorder.write_line(delivery.event)
            counts.stored(delivery.event)
            continue
        counts.unstored += 1
        if not isinstance(delivery.error, StoreAway):
            trouble.error("Could not store a request at all: %s.", named(delivery.error))
    recorder.flush_lines()


def _commit_on_a_live_connection(deliveries: Sequence[Delivery]) -> None:
    kept = connection.connection
    try:
        _commit(deliveries)
    except AWAY:
        # The server was started anew meanwhile. What it committed but could not say is stored
        # a second time: a duplicate is shown, a lost event could not be.
        if kept is None or not _is_lost(kept):
            raise
        _commit(deliveries)


def _commit(deliveries: Sequence[Delivery]) -> None:
    if replies.any_to_ask():
        with transaction.atomic():
            # What is only an envelope is kept at any price: no rule is asked about it.
            replies.assign([delivery for delivery in deliveries if not delivery.odd])
            _insert(deliveries)
    else:
        replies.forget(deliveries)
        with group():
            _insert(deliveries)


def _insert(deliveries: Sequence[Delivery]) -> None:
    now = datetime.now(UTC)
    for delivery in deliveries:
        delivery.stop_the_watch(now)
    rows.insert([delivery.event for delivery in deliveries])


def _is_lost(kept: object) -> bool:
    """Tell whether the connection that was kept is of no use any more; it is closed then."""
    if connection.connection is not kept:  # Django has noticed, and perhaps opened another
        return True
    if connection.in_atomic_block or connection.is_usable():
        return False
    connection.close()
    return True


def _one_by_one(deliveries: Sequence[Delivery]) -> None:
    for position, delivery in enumerate(deliveries):
        store([delivery])
        if isinstance(delivery.error, StoreAway):
            _fail(deliveries[position:], delivery.error)
            return


def _store_envelope(delivery: Delivery, error: Exception) -> None:
    """Store the body alone: content that a column refuses would be refused at every further try."""
    delivery.envelope(error)
    try:
        _commit([delivery])
    except AWAY as away:
        trouble.error("Could not store an envelope: %s.", named(away))
        _fail([delivery], away)
    except Exception as worse:
        delivery.error = worse


def _fail(deliveries: Sequence[Delivery], error: Exception) -> None:
    for delivery in deliveries:
        delivery.error = StoreAway()
        delivery.error.__cause__ = error


def _counted(deliveries: Sequence[Delivery]) -> str:
    return "an event" if len(deliveries) == 1 else f"{len(deliveries)} events"
