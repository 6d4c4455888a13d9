"""What a queue's settings may be, and what Cloud Tasks makes of those left out."""

from datetime import timedelta
from typing import Any

from . import errors
from .errors import invalid
from .http_target import check_http_target, tidy
from .messages import QueueMessage, span
from .models import Queue
from .nanos import is_duration

MOST_PER_SECOND = 500.0
MOST_CONCURRENT = 5000
_ZERO = timedelta(0)

# What the server says about a queue; in a request it is ignored, as the v2 proto documents.
OUTPUT_ONLY = {"name", "state", "purge_time", "rate_limits.max_burst_size"}


def check_settings(message: Any) -> None:
    """Raise Refused for the first setting out of range, in Google's words."""
    _check_rate_limits(message.rate_limits)
    _check_retry_config(message.retry_config)
    if not 0 <= message.stackdriver_logging_config.sampling_ratio <= 1:
        raise invalid("StackdriverLoggingConfig.samplingRatio must be between 0 and 1.")
    if message.HasField("http_target"):
        check_http_target(message.http_target)


def _check_rate_limits(limits: Any) -> None:
    if limits.max_dispatches_per_second < 0:
        raise invalid("RateLimits.maxDispatchesPerSecond cannot be negative.")
    if not limits.max_dispatches_per_second <= MOST_PER_SECOND:  # a NaN is not either
        raise invalid("RateLimits.maxDispatchesPerSecond must be less than or equal to 500.")
    if limits.max_concurrent_dispatches < 0:
        raise invalid("RateLimits.maxConcurrentDispatches cannot be negative.")
    if limits.max_concurrent_dispatches > MOST_CONCURRENT:
        raise invalid("RateLimits.maxConcurrentDispatches must be less than or equal to 5000.")


def _check_retry_config(retry: Any) -> None:
    if retry.max_attempts < -1:
        raise invalid("RetryConfig.maxAttempts must be greater or equal to -1.")
    if retry.max_doublings < 0:
        raise invalid("RetryConfig.maxDoublings cannot be negative.")
    for name, value in (
        ("minBackoff", retry.min_backoff),
        ("maxBackoff", retry.max_backoff),
        ("maxRetryDuration", retry.max_retry_duration),
    ):
        if not is_duration(value):
            raise invalid(f"RetryConfig.{name} is not a valid duration.")
        if span(value) < _ZERO:
            raise invalid(f"RetryConfig.{name} cannot be negative.")
    defaults = Queue()
    shortest = span(retry.min_backoff) or defaults.min_backoff
    if shortest > (span(retry.max_backoff) or defaults.max_backoff):
        raise invalid(
            "RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff."
        )


def check_task_retry_config(retry: Any) -> None:
    """Raise Refused for a task's own retry_config, in the words used for a queue's."""
    _check_retry_config(retry)


def apply_settings(queue: Queue, message: Any) -> None:
    """Write checked settings to the row; a zero is an unset field and gets the default."""
    defaults = Queue()
    limits, retry = message.rate_limits, message.retry_config
    rate = limits.max_dispatches_per_second or defaults.max_dispatches_per_second
    if rate != queue.max_dispatches_per_second:
        queue.bucket_size = None  # the burst follows a new rate, as the v2 proto documents
    queue.max_dispatches_per_second = rate
    queue.max_concurrent_dispatches = (
        limits.max_concurrent_dispatches or defaults.max_concurrent_dispatches
    )
    queue.max_attempts = retry.max_attempts or defaults.max_attempts
    queue.max_retry_duration = span(retry.max_retry_duration)
    queue.min_backoff = span(retry.min_backoff) or defaults.min_backoff
    queue.max_backoff = span(retry.max_backoff) or defaults.max_backoff
    queue.max_doublings = retry.max_doublings or defaults.max_doublings
    rest = QueueMessage()
    rest.CopyFrom(message)
    tidy(rest)
    for name in ("name", "state", "purge_time", "rate_limits", "retry_config"):
        rest.ClearField(name)
    queue.rest = rest.SerializeToString()


def masked(current: Any, wanted: Any, paths: list[str]) -> Any:
    """Return `current` with the fields at `paths` as in `wanted`; raises Refused for a bad path.

    A field that is masked and left out of `wanted` is cleared, which gives it its default.
    """
    result = QueueMessage()
    result.CopyFrom(current)
    for path in paths:
        _copy_field(path, path.split("."), wanted, result)
    return result


def _copy_field(path: str, steps: list[str], source: Any, target: Any) -> None:
    field = target.DESCRIPTOR.fields_by_name.get(steps[0])
    if field is None or (len(steps) > 1 and (not field.message_type or field.is_repeated)):
        raise errors.mask_path_unknown(path)
    name = field.name
    if len(steps) > 1:
        _copy_field(path, steps[1:], getattr(source, name), getattr(target, name))
    elif field.is_repeated:
        target.ClearField(name)
        getattr(target, name).extend(getattr(source, name))
    elif field.has_presence and not source.HasField(name):
        target.ClearField(name)
    elif field.message_type is None:
        setattr(target, name, getattr(source, name))
    else:
        getattr(target, name).CopyFrom(getattr(source, name))
