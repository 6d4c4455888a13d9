"""Durations and timestamps that their protos forbid, though a message can hold them: pure rules."""

from typing import Any

_WHOLE = 1_000_000_000


def is_timestamp(message: Any) -> bool:
    """Say whether a Timestamp counts its nanoseconds forward and below a second."""
    return bool(0 <= message.nanos < _WHOLE)


def is_duration(message: Any) -> bool:
    """Say whether a Duration's nanoseconds stay below a second and have its sign."""
    opposed = message.seconds * message.nanos < 0
    return abs(message.nanos) < _WHOLE and not opposed
