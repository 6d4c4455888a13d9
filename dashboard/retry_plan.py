"""When a task that keeps failing is tried, and when no more: pure rules of RetryConfig.

The waits are those that the API documents: doubled `max_doublings` times, then growing evenly by
the last doubled step, never above `max_backoff`. Seconds everywhere.
"""

from dataclasses import dataclass, fields
from typing import Any

RETENTION = 31 * 86400.0  # Cloud Tasks deletes a task so long after its creation, tried or not


@dataclass(frozen=True)
class RetryConfig:
    """A RetryConfig; -1 attempts and no duration are no limits. The defaults are Cloud Tasks'."""

    max_attempts: int = 100
    max_retry_duration: float | None = None
    min_backoff: float = 0.1
    max_backoff: float = 3600.0
    max_doublings: int = 16

    @classmethod
    def of(cls, queue: Any, task: Any = None) -> "RetryConfig":
        """Return the queue's, with what a task's own config says in its place.

        Both need only have the fields' names; what is None or zero there is not given.
        """
        given: dict[str, Any] = {
            field.name: getattr(task, field.name, None) or getattr(queue, field.name)
            for field in fields(cls)
        }
        return cls(**{name: value for name, value in given.items() if value})

    def wait(self, failures: int) -> float:
        """Return the seconds between the `failures`-th failure (1 is the first) and the retry."""
        doublings = min(self.max_doublings, failures - 1)
        if doublings > 1000:  # a float ends there, and any max_backoff long before
            return self.max_backoff
        return min(self.max_backoff, self.min_backoff * 2.0**doublings * (failures - doublings))

    def after(self, attempts: int) -> float:
        """Return the seconds from the first attempt to this one (1 is the first).

        An attempt is taken to fail at once; each second that one takes is to be added.
        """
        waits, passed, step = attempts - 1, 0.0, self.min_backoff
        doubled = 0
        while doubled < min(waits, self.max_doublings + 1) and step < self.max_backoff:
            passed, step, doubled = passed + step, step * 2, doubled + 1
        # From here on the waits are multiples of the last doubled step, from twice on.
        last = step / 2 if doubled else step
        even = min(waits - doubled, max(0, _below(self.max_backoff, last) - 1))
        if doubled <= self.max_doublings:
            even = 0  # the longest wait came while it still doubled
        passed += last * (even * (even + 3) / 2)
        return passed + (waits - doubled - even) * self.max_backoff


@dataclass(frozen=True)
class Plan:
    """What becomes of a task that always fails: how often it is tried, and until when."""

    config: RetryConfig
    attempts: int  # all of them, the first included
    expires: bool  # it is its age of 31 days that ends it, not its config

    @property
    def lasts(self) -> float:
        """Seconds from the first attempt to the last, that is until it gives up."""
        return RETENTION if self.expires else self.config.after(self.attempts)

    def waits(self, most: int) -> list[float]:
        """Return the seconds before each of the first retries."""
        return [self.config.wait(n) for n in range(1, min(self.attempts - 1, most) + 1)]

    def moments(self, most: int) -> list[float]:
        """Return when the first attempts are made, in seconds from the first of them."""
        return [self.config.after(n) for n in range(1, min(self.attempts, most) + 1)]


def plan(config: RetryConfig, ahead: float = 0) -> Plan:
    """Return the plan of a task whose first attempt is `ahead` seconds after its creation.

    With both limits set, both must be reached; Cloud Tasks' own slowing down is not foreseen.
    """
    living = _attempts_until(config, RETENTION - ahead, before=True)
    limits = [config.max_attempts] if config.max_attempts > 0 else []
    if config.max_retry_duration:
        limits.append(_attempts_until(config, config.max_retry_duration))
    wanted = max(limits, default=living + 1)
    return Plan(config, min(wanted, living), expires=wanted > living)


def _attempts_until(config: RetryConfig, seconds: float, *, before: bool = False) -> int:
    """Return the first attempt that is made so late; or `before` it, the last earlier one."""
    low, high = 1, 2
    while config.after(high) < seconds:
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if config.after(middle) >= seconds else (middle + 1, high)
    return max(1, low - 1) if before else low


def _below(most: float, step: float) -> int:
    """Return how many multiples of `step` are smaller than `most`."""
    count = int(most / step)
    return count - 1 if count * step >= most else count
