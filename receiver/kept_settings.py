"""The settings that each delivery is looked at with, as plain values.

Django looks a setting up by a function of its own, ten times for a delivery.
"""

from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.core.signals import setting_changed


class Kept(NamedTuple):
    """Settings by their names, in small letters."""

    receiver_auth: str
    receiver_url: str
    oidc_issuer: str
    oidc_certs_url: str
    oidc_service_account: str
    oidc_audiences: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    max_body_bytes: int


@cache
def kept_settings() -> Kept:
    """Return them; the same object until one of them changes, which only tests do."""
    values: dict[str, Any] = {name: getattr(settings, name.upper()) for name in Kept._fields}
    for name in ("oidc_audiences", "allowed_hosts"):
        values[name] = tuple(values[name])
    return Kept(**values)


def _forget(**kwargs: Any) -> None:
    kept_settings.cache_clear()


setting_changed.connect(_forget)
