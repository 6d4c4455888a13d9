"""An ASGI request's line and headers in the form in which the rules read them: a WSGI environ."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any


def environ_of(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environ of a scope; a header that came twice is joined by a comma."""
    query = scope["query_string"].decode("latin-1")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "RAW_URI": scope["raw_path"].decode("latin-1"),
        "PATH_INFO": scope["path"],
        "QUERY_STRING": query,
    }
    for name, value in scope["headers"]:
        key, text = _key(name), value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


@lru_cache(maxsize=1024)
def _key(name: bytes) -> str:
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
