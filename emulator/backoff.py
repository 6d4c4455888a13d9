"""When a failed task is tried again, and when no more: pure rules of RetryConfig."""

from dataclasses import dataclass
from datetime import timedelta

UNLIMITED = -1
_NONE = timedelta(0)


@dataclass(frozen=True)
class RetryRules:
    """A RetryConfig with every default filled in; `max_retry_duration` of zero is no limit."""

    max_attempts: int = 100
    max_retry_duration: timedelta = _NONE
    min_backoff: timedelta = timedelta(milliseconds=100)
    max_backoff: timedelta = timedelta(hours=1)
    max_doublings: int = 16

    def delay(self, failures: int) -> timedelta:
        """Return how long to wait after the `failures`-th failure (1 is the first).

        Doubles `max_doublings` times, then grows by the last doubled step, up to `max_backoff`.
        """
        doublings = min(self.max_doublings, failures - 1)
        if doublings > 60:  # years beyond any max_backoff, and timedelta would overflow
            return self.max_backoff
        factor = 2**doublings * (failures - doublings)
        if self.min_backoff.total_seconds() * factor >= self.max_backoff.total_seconds():
            return self.max_backoff
        return self.min_backoff * factor

    def exhausted(self, attempts: int, since_first: timedelta) -> bool:
        """Say whether a task that has just failed gets no further attempt.

        With both limits set, both must be reached; `since_first` is the time since the first
        attempt was dispatched.
        """
        enough_attempts = attempts >= self.max_attempts
        enough_time = since_first >= self.max_retry_duration
        if self.max_attempts == UNLIMITED:
            return self.max_retry_duration > _NONE and enough_time
        if self.max_retry_duration > _NONE:
            return enough_attempts and enough_time
        return enough_attempts
