"""The emulator's time: the machine's, and how far it has been turned ahead for a test."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

FURTHEST = timedelta(days=3660)


def now() -> datetime:
    """Return the machine's time; Django's does the same after a look at the settings."""
    return datetime.now(UTC)


class TurnRefused(ValueError):
    """The clock cannot be turned so; the message is a sentence for its user."""


class Clock:
    """What every rule of the emulator reads; only tokens and deadlines stay on real time."""

    def __init__(self, real: Callable[[], datetime] = now) -> None:
        self._real = real
        self._offset = timedelta(0)

    @property
    def offset(self) -> timedelta:
        """How far it is ahead of the machine's clock."""
        return self._offset

    def now(self) -> datetime:
        """Return the emulator's time."""
        return self._real() + self._offset

    def ahead(self, seconds: float) -> timedelta:
        """Return the offset that is `seconds` further on; raises TurnRefused for one below zero."""
        if not 0 <= seconds <= FURTHEST.total_seconds():  # a NaN is not either
            raise TurnRefused("advance must be a number of seconds from 0 to ten years.")
        return _checked(self._offset + timedelta(seconds=seconds))

    def until(self, instant: datetime) -> timedelta:
        """Return the offset at which it is `instant`; raises TurnRefused for one gone by."""
        offset = instant - self._real()
        if offset < self._offset:
            raise TurnRefused("The clock is turned ahead only; resume brings it back.")
        return _checked(offset)

    def turn(self, offset: timedelta) -> None:
        """Be ahead by this much from now on."""
        self._offset = offset


def _checked(offset: timedelta) -> timedelta:
    if offset > FURTHEST:
        raise TurnRefused("The clock is turned ahead by ten years at the most.")
    return offset
