"""Numbers as a person says them."""

from .resources import Queue
from .retry_plan import Plan, RetryConfig, plan


def duration(seconds: float) -> str:
    """Return seconds in the largest fitting unit.

    >>> [duration(s) for s in (0.1, 2, 90, 3600, 90000)]
    ['0.1 s', '2 s', '1 min 30 s', '1 h', '1 d 1 h']
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    parts, left = [], round(seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def took(seconds: float) -> str:
    """Return a short time as people say it of a computer.

    >>> [took(s) for s in (0.00206, 0.0463, 1.5, 90)]
    ['2.1 ms', '46 ms', '1.5 s', '1 min 30 s']
    """
    ms = seconds * 1000
    return f"{ms:.2g} ms" if ms < 99.5 else f"{ms:.0f} ms" if ms < 999.5 else duration(seconds)


def times(count: int) -> str:
    """Return how often.

    >>> [times(n) for n in (1, 2, 1000)]
    ['once', 'twice', '1,000 times']
    """
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def pace(queue: Queue) -> str:
    """Return how fast a queue dispatches."""
    rate = f"{queue.max_dispatches_per_second:g}"
    return f"At most {rate} a second, {queue.max_concurrent_dispatches:,} at a time."


def patience(queue: Queue) -> str:
    """Return when a queue gives a failing task up."""
    attempts, limit = queue.max_attempts, queue.max_retry_duration
    if attempts == 1:
        return "One attempt, no retry."
    if attempts < 1:
        return (
            f"Retries for {duration(limit)}." if limit else "Retries until the task is 31 days old."
        )
    if limit:
        return f"Up to {attempts} attempts, and in any case for {duration(limit)}."
    return f"Up to {attempts} attempts."


def pauses(queue: Queue) -> str:
    """Return the waits between attempts, the first five and the longest."""
    config = RetryConfig.of(queue)
    waits = plan(config).waits(6)
    if len(waits) <= 5:
        return ", ".join(map(duration, waits))
    return f"{', '.join(map(duration, waits[:5]))} … up to {duration(longest(config))}"


def longest(config: RetryConfig) -> float:
    """Return the longest wait that a task of this config comes to."""
    return config.wait(max(1, plan(config).attempts - 1))


def planned(found: Plan) -> str:
    """Return a retry plan in a sentence without its times.

    >>> planned(plan(RetryConfig(max_attempts=5, min_backoff=1)))
    'At most 5 attempts: now, +1 s, +2 s, +4 s, +8 s'
    """
    if found.attempts == 1:
        return "One attempt, no retry"
    many = "Attempts without a limit" if found.expires else f"At most {found.attempts:,} attempts"
    waits = [f"+{duration(wait)}" for wait in found.waits(6)]
    if len(waits) <= 5:
        return f"{many}: {', '.join(['now', *waits])}"
    return f"{many}: {', '.join(['now', *waits[:5]])} … up to +{duration(longest(found.config))}"
