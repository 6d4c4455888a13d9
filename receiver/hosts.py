"""Whether a request is for a host of ours, by Django's own rule."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.http.request import split_domain_port, validate_host

from .kept_settings import kept_settings
from .refusals import Reason, Refused


def check_host(environ: Mapping[str, Any], scope: Mapping[str, Any]) -> None:
    """Raise Refused where Django's middleware would; without the header by where it came in."""
    host = environ.get("HTTP_HOST") or str((scope.get("server") or ("",))[0])
    if not _is_ours(host, kept_settings().allowed_hosts):
        raise Refused(Reason.HOST)


@lru_cache(maxsize=256)
def _is_ours(host: str, allowed: tuple[str, ...]) -> bool:
    return validate_host(split_domain_port(host)[0], allowed)
