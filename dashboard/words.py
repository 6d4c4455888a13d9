"""Numbers as a person says them."""

from itertools import islice

from .resources import Queue


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


def waits(queue: Queue) -> list[float]:
    """Return the waits before the first retries, as the API's RetryConfig documents them.

    They double `max_doublings` times, then grow evenly, and never pass `max_backoff`.
    """
    found = []
    for retry in range(queue.max_attempts - 1 if queue.max_attempts > 0 else 1000):
        doublings = min(queue.max_doublings, retry)
        wait = queue.min_backoff * 2**doublings * (retry + 1 - doublings)
        found.append(min(wait, queue.max_backoff))
        if wait >= queue.max_backoff:
            break
    return found


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
    every = waits(queue)
    if not every:
        return ""
    text = ", ".join(duration(wait) for wait in islice(every, 5))
    return text if len(every) <= 5 else f"{text} … up to {duration(max(every))}"
