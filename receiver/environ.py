"""An ASGI request's line and headers in the form in which the rules read them: a WSGI environ."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from .headers import SHOWN, Pair, comes_again, shown

# What most headers say comes again: so many, of so many bytes, are read once.
_MOST_KEPT = 1024
_MOST_BYTES = 256
_kept: dict[tuple[bytes, bytes], "_Read"] = {}


class _Read(NamedTuple):
    """A header as the environ has it, and as it may be saved."""

    key: str
    text: str
    pair: Pair | None


def environ_of(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environ of a scope; a header that came twice is joined by a comma."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "RAW_URI": scope["raw_path"].decode("latin-1"),
        "PATH_INFO": scope["path"],
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
    }
    pairs: list[Pair] | None = []
    for header in scope["headers"]:
        key, text, pair = _kept.get(header) or _read(*header)
        if key in environ:
            environ[key] = f"{environ[key]},{text}"
            pairs = None
        else:
            environ[key] = text
            if pair and pairs is not None:
                pairs.append(pair)
    if pairs is not None:
        environ[SHOWN] = pairs
    return environ


def _read(name: bytes, value: bytes) -> _Read:
    key, again = _named(name)
    text = value.decode("latin-1")
    read = _Read(key, text, shown(key, text))
    if again and len(value) <= _MOST_BYTES and read.pair and read.pair[1] == text:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[name, value] = read
    return read


@lru_cache(maxsize=1024)
def _named(name: bytes) -> tuple[str, bool]:
    """Return a header's key in an environ, and whether what it says may be kept."""
    key = name.decode("latin-1").upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    return key, len(name) <= _MOST_BYTES and comes_again(key)
