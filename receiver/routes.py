"""Which requests are deliveries, by path, method and headers."""

import re
from collections.abc import Mapping
from typing import Any

from .caller import has_token
from .labels import is_labelled

PATH = r"receive(?:/[\s\S]*)?\Z"
_RECEIVE = re.compile(rf"/{PATH}")
_LOOKS = {"GET", "HEAD", "OPTIONS"}


def is_delivery(path: str, environ: Mapping[str, Any], *, alone: bool) -> bool:
    """Tell whether a request to a decoded path is the receiver's; `alone` gives it all of `/`."""
    if path == "/":
        return alone or is_delivery_to_root(environ)
    return _RECEIVE.match(path) is not None


def is_delivery_to_root(environ: Mapping[str, Any]) -> bool:
    """Tell whether a request to `/` is the receiver's rather than a person's who looks."""
    if environ["REQUEST_METHOD"] not in _LOOKS:
        return True
    return is_labelled(environ) or has_token(environ)
