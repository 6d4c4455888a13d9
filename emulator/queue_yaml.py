"""Google's queue.yaml, as the App Engine reference documents it: push queues become ours."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from .backoff import UNLIMITED
from .declared import BadSetting, Declared, Path, check, checked_name
from .messages import QueueMessage

BESIDE_QUEUES = {"total_storage_limit", "application"}
DEFAULT_BUCKET = 5
_RATE = re.compile(r"(\d+(?:\.\d+)?|\.\d+)?/([smhd])")
_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_KEYS = {
    "name", "mode", "rate", "bucket_size", "max_concurrent_requests", "retry_parameters", "target",
}  # fmt: skip
_RETRY_KEYS = {
    "task_retry_limit", "task_age_limit", "min_backoff_seconds", "max_backoff_seconds",
    "max_doublings",
}  # fmt: skip


def queue(entry: object, path: Path, complete: Callable[[str], str]) -> Declared:
    """Return one queue of the file; raises BadSetting. A rate of 0 pauses it, as documented."""
    values = _known(entry, path, _KEYS)
    if not isinstance(values.get("name"), str):
        raise BadSetting(path, "needs a name")
    if values.get("mode", "push") != "push":
        raise BadSetting((*path, "mode"), "only push queues are served")
    declared = Declared(
        checked_name(complete(str(values["name"])), (*path, "name")),
        QueueMessage(),
        bucket_size=_whole(values, "bucket_size", path, DEFAULT_BUCKET) or DEFAULT_BUCKET,
    )
    rate = per_second(values.get("rate"), (*path, "rate"))
    declared.state = "RUNNING" if rate else "PAUSED"
    limits = declared.settings.rate_limits
    limits.max_dispatches_per_second = rate
    limits.max_concurrent_dispatches = _whole(values, "max_concurrent_requests", path)
    if target := values.get("target"):
        version, _, service = str(target).rpartition(".")
        routing = declared.settings.app_engine_routing_override
        routing.service, routing.version = service, version
    _fill_retry(declared.settings.retry_config, values.get("retry_parameters") or {}, path)
    check(declared.settings, path)
    return declared


def per_second(rate: object, path: Path) -> float:
    """Return a rate such as `5/s`, `10/m`, `1/h` or `/d` in dispatches a second."""
    if rate == 0:
        return 0.0
    match = _RATE.fullmatch(str(rate))
    if match is None:
        raise BadSetting(path, f"{rate!r} is no rate: write 5/s, 10/m, 1/h or 100/d")
    return float(match[1] or 1) / _SECONDS[match[2]]


def _fill_retry(retry: Any, entry: object, path: Path) -> None:
    path = (*path, "retry_parameters")
    values = _known(entry, path, _RETRY_KEYS)
    retry.min_backoff.FromTimedelta(_seconds(values, "min_backoff_seconds", path))
    retry.max_backoff.FromTimedelta(_seconds(values, "max_backoff_seconds", path))
    retry.max_doublings = _whole(values, "max_doublings", path)
    # The limit counts retries; max_attempts counts the first attempt as well.
    limited = values.get("task_retry_limit") is not None
    retry.max_attempts = _whole(values, "task_retry_limit", path) + 1 if limited else UNLIMITED
    if (age := values.get("task_age_limit")) is not None:
        match = _AGE.fullmatch(str(age))
        if match is None:
            raise BadSetting((*path, "task_age_limit"), f"{age!r} is no age: write 30s, 5m or 2d")
        seconds = float(match[1]) * _SECONDS[match[2]]
        retry.max_retry_duration.FromTimedelta(timedelta(seconds=seconds))


def _whole(values: Mapping[str, object], key: str, path: Path, default: int = 0) -> int:
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise BadSetting((*path, key), f"{value!r} is no whole number from 0 up")
    return value


def _seconds(values: Mapping[str, object], key: str, path: Path) -> timedelta:
    value = values.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**31:
        raise BadSetting((*path, key), f"{value!r} is no number of seconds")
    return timedelta(seconds=value)


def _known(entry: object, path: Path, keys: set[str]) -> Mapping[str, object]:
    if not isinstance(entry, Mapping):
        raise BadSetting(path, "must be settings with a name each")
    for key in entry:
        if key not in keys:
            raise BadSetting((*path, str(key)), "is no setting of a push queue in a queue.yaml")
    return entry
