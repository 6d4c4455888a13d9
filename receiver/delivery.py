"""One admitted request on its way through the receiver: what came, its row, its answer."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from . import answers, recorder
from .answers import Answer
from .caller import Caller
from .models import Event

_MICROSECOND = timedelta(microseconds=1)


class Delivery:
    """A request that was taken whole; `event` is not saved until the store says so.

    `error` is what kept it from being stored; `answer` replaces the usual one where it is set.
    """

    __slots__ = ("answer", "body", "caller", "environ", "error", "event", "odd", "received_at")

    def __init__(
        self, environ: Mapping[str, Any], body: bytes, caller: Caller, received_at: datetime
    ) -> None:
        self.environ, self.body = environ, body
        self.caller, self.received_at = caller, received_at
        self.answer: Answer | None = None
        self.error: Exception | None = None
        self.odd: Exception | None = None  # why the event is only an envelope
        self.event = self._built()

    def _built(self) -> Event:
        try:
            return recorder.build(self.environ, self.body, self.caller, self.received_at)
        except Exception as error:  # a mistake of ours loses no body
            return self.envelope(error)

    def envelope(self, error: Exception) -> Event:
        """Make the event the least that is worth storing, because of `error`; returns it."""
        self.odd, self.answer = error, None
        self.event = recorder.envelope(self.environ, self.body, self.caller, self.received_at)
        return self.event

    def stop_the_watch(self, now: datetime) -> None:
        """Note how long the request took, as of `now`, when its row is written."""
        delay = timedelta(seconds=self.answer.delay if self.answer else 0)
        self.event.took_us = max((now - self.received_at + delay) // _MICROSECOND, 0)

    def reply(self) -> Answer:
        """Return what the sender is to be answered, once the store was tried."""
        if isinstance(self.error, recorder.StoreAway):
            return answers.STORE_AWAY
        if self.error:
            return answers.NOT_STORED
        return self.answer or answers.stored(self.event.pk)
