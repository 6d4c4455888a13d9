"""System checks of the receiver's settings: a mistake stops the start and names its mend."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core import checks

# Each byte of a body is up to 5 in a line of JSON, and the rest of the line wants its place too.
MOST_LOG_BODY_BYTES = 50_000
# The default of a laptop; no project of Google's has such a short id.
_DEMO = re.compile(r"@demo\.iam\.gserviceaccount\.com\Z")


@checks.register(checks.Tags.security)
def check_caller(**kwargs: Any) -> list[checks.CheckMessage]:
    """Check that callers are looked at, and by keys that are worth it."""
    return [*_mode(), *_issuer()]


@checks.register
def check_address(**kwargs: Any) -> list[checks.CheckMessage]:
    """Check that Cloud Tasks can reach RECEIVER_URL and that it makes a sane audience."""
    url = settings.RECEIVER_URL
    parts = _split(url)
    if parts is None or "?" in url or not _is_received(parts.path):
        return [
            checks.Error(
                "RECEIVER_URL is not the address of this receiver.",
                hint="Set it to http(s)://HOST[:PORT], without user, query or fragment; a path "
                "may only be /receive or below.",
                id="receiver.E004",
            )
        ]
    if settings.IN_CLOUD and not _is_public(url):
        return [
            checks.Error(
                "RECEIVER_URL is not a public https address.",
                hint="Set it to the service's URL, https://SERVICE-....run.app: gcloud run "
                "services describe SERVICE --format 'value(status.url)'.",
                id="receiver.E005",
            )
        ]
    return []


@checks.register
def check_log(**kwargs: Any) -> list[checks.CheckMessage]:
    """Warn of log lines that Cloud Logging would drop: it takes 256 KiB."""
    if not settings.IN_CLOUD or settings.LOG_BODY_BYTES <= MOST_LOG_BODY_BYTES:
        return []
    return [
        checks.Warning(
            "LOG_BODY_BYTES allows lines that are too long for Cloud Logging.",
            hint=f"Set it to {MOST_LOG_BODY_BYTES} at most, or leave it out. The event has all.",
            id="receiver.W014",
        )
    ]


@checks.register(checks.Tags.security)
def check_replies(**kwargs: Any) -> list[checks.CheckMessage]:
    """Warn of a cloud where rules may make the receiver fail on purpose."""
    if not (settings.REPLIES and settings.IN_CLOUD):
        return []
    return [
        checks.Warning(
            "REPLIES is on: whoever may add a reply can make deliveries fail.",
            hint="Remove REPLIES from the service's environment once you have tried what you "
            "wanted to try.",
            id="receiver.W010",
        )
    ]


@checks.register(checks.Tags.security, deploy=True)
def check_open_receiver(**kwargs: Any) -> list[checks.CheckMessage]:
    """Warn, where a deployment is checked, of a receiver that believes everybody."""
    if settings.RECEIVER_AUTH != "off" or settings.IN_CLOUD:
        return []
    return [
        checks.Warning(
            "RECEIVER_AUTH=off: whoever reaches this receiver can store events.",
            hint="Set RECEIVER_AUTH to verify; off is for a laptop.",
            id="receiver.W015",
        )
    ]


def _mode() -> Iterator[checks.CheckMessage]:
    mode = settings.RECEIVER_AUTH
    if mode == "off" and settings.IN_CLOUD:
        yield checks.Error(
            "RECEIVER_AUTH=off admits every caller of the internet.",
            hint="Set RECEIVER_AUTH to verify, or to iam where Cloud Run requires authentication.",
            id="receiver.E001",
        )
    if mode != "off" and not settings.OIDC_SERVICE_ACCOUNT:
        yield checks.Error(
            "OIDC_SERVICE_ACCOUNT is empty, so that no caller is admitted.",
            hint="Set it to the account whose token the tasks carry, "
            "NAME@PROJECT.iam.gserviceaccount.com.",
            id="receiver.E007",
        )
    elif mode != "off" and settings.IN_CLOUD and _DEMO.search(settings.OIDC_SERVICE_ACCOUNT):
        yield checks.Error(
            "OIDC_SERVICE_ACCOUNT is the laptop's: no task in the cloud can carry its token.",
            hint="Set it to the account whose token the tasks carry, "
            "NAME@PROJECT.iam.gserviceaccount.com.",
            id="receiver.E013",
        )
    if mode == "iam" and not settings.IN_CLOUD:
        yield checks.Warning(
            "RECEIVER_AUTH=iam believes any token where Cloud Run does not check it first.",
            hint="Set RECEIVER_AUTH to verify outside Cloud Run.",
            id="receiver.W009",
        )


def _issuer() -> Iterator[checks.CheckMessage]:
    if _split(settings.OIDC_CERTS_URL) is None:
        yield checks.Error(
            "OIDC_CERTS_URL is not an http(s) URL.",
            hint="Leave it out for Google's or the emulator's, or set the URL of a JSON object "
            "{key id: PEM}.",
            id="receiver.E003",
        )
    elif settings.IN_CLOUD and not (
        _is_public(settings.OIDC_CERTS_URL) and _is_public(settings.OIDC_ISSUER)
    ):
        yield checks.Error(
            "OIDC_ISSUER or OIDC_CERTS_URL is local or without TLS: its tokens prove nothing.",
            hint="Leave both out: Google's are the default in the cloud.",
            id="receiver.E002",
        )


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL that is what it looks like, None for any other text."""
    if not url.isascii() or not url.isprintable() or {" ", "\\", "@", "#"} & set(url):
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises where it is no number
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None


def _is_received(path: str) -> bool:
    # A base path would answer 404: the receiver is at the root and at /receive.
    below = path == "/receive" or path.startswith("/receive/")
    return (path in ("", "/") or below) and ".." not in path


def _is_public(url: str) -> bool:
    # Google's issuer is admitted in both of its spellings.
    parts = _split("https://accounts.google.com" if url == "accounts.google.com" else url)
    if parts is None or parts.scheme != "https":
        return False
    host = (parts.hostname or "").rstrip(".")
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return host != "localhost" and not host.endswith((".localhost", ".local"))
