"""Answers kept for some seconds per process, so that many open pages cost one call."""

import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

LIMIT = 1000  # entries; beyond it the oldest half goes
_lock = threading.Lock()
_kept: dict[tuple[Any, ...], tuple[float, Any, Exception | None]] = {}


def kept_for(
    seconds: float, *failures: type[Exception]
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep a function's answers for `seconds`, by its arguments; `failures` are kept too.

    Keeping a failure spares a page the deadline that another page has just waited out.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            key = (function.__module__, function.__qualname__, args, tuple(sorted(kwargs.items())))
            with _lock:
                found = _kept.get(key)
            if found and found[0] > time.monotonic():
                return _give(found)
            try:
                found = (0, function(*args, **kwargs), None)
            except failures as error:
                found = (0, None, error)
            _put(key, (time.monotonic() + seconds, *found[1:]))
            return _give(found)

        return wrapper

    return decorate


def clear(module: str = "") -> None:
    """Forget what this module's functions answered, or everything.

    The gateway forgets its answers after each change that we make ourselves.
    """
    with _lock:
        for key in [key for key in _kept if module in ("", key[0])]:
            del _kept[key]


def _put(key: tuple[Any, ...], entry: tuple[float, Any, Exception | None]) -> None:
    with _lock:
        if len(_kept) >= LIMIT:
            for old in sorted(_kept, key=lambda k: _kept[k][0])[: LIMIT // 2]:
                del _kept[old]
        _kept[key] = entry


def _give(entry: tuple[float, Any, Exception | None]) -> Any:
    if entry[2]:
        raise entry[2].with_traceback(None)
    return entry[1]
