"""How requests are sent where the command line asks for something other than the defaults."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from .ports import StartFailed

MOST_REDIRECTS = 10
_REDIRECTS = {301, 302, 303, 307, 308}
_KEEP_THE_METHOD = {307, 308}
_NONE = timedelta(0)


@dataclass(frozen=True)
class Sending:
    """The switches of the dispatcher; each is a deviation that README names."""

    # App Engine service -> base URL; "" stands for every other service.
    app_engine: Mapping[str, str] = field(default_factory=dict)
    follow_redirects: bool = False
    honour_retry_after: bool = False
    target_ca: str = ""  # a PEM file of certificates to trust beside the system's
    target_insecure: bool = False

    def tls(self) -> ssl.SSLContext:
        """Return how https targets are verified; raises StartFailed."""
        if self.target_insecure:
            return ssl._create_unverified_context()  # noqa: S323  asked for by name
        context = ssl.create_default_context()
        try:
            if self.target_ca:
                context.load_verify_locations(self.target_ca)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StartFailed(
                f"The certificates in {self.target_ca} cannot be read: {reason}."
            ) from None
        return context


def redirected(url: str, method: str, status: int, location: str | None) -> tuple[str, str] | None:
    """Return URL and method of the request that follows a redirect, or None where none does.

    As curl does: a 301, 302 or 303 turns all but HEAD into GET, a 307 or 308 repeats the request.
    """
    if status not in _REDIRECTS or not location:
        return None
    if status not in _KEEP_THE_METHOD and method != "HEAD":
        method = "GET"
    return urljoin(url, location), method


def retry_after(value: str | None, now: datetime) -> timedelta:
    """Return how long a Retry-After header asks to wait; what cannot be read is no wait."""
    if value is None:
        return _NONE
    text = value.strip()
    try:
        if text.isascii() and text.isdigit():
            return timedelta(seconds=int(text))
        until = parsedate_to_datetime(text)
        return max(_NONE, until - now) if until.tzinfo else _NONE
    except (ValueError, OverflowError):
        return _NONE
