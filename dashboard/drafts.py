"""A task as it will be sent, and the rules that concern it as a whole.

Each rule raises ValidationError with the sentence to show.
"""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

METHODS = ("POST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS")
BODY_METHODS = ("POST", "PUT", "PATCH")
# Cloud Tasks measures the stored message and refuses beyond 2^20 - 7 bytes (measured); what it adds
# to ours (times, deadline, User-Agent, tags and lengths) stays below this reserve.
TASK_BYTES = 1_048_569
RESERVE = 256


@dataclass(frozen=True)
class Draft:
    """A checked task: `name` and `queue` are full names, an empty `account` sends no token."""

    name: str
    queue: str
    url: str
    method: str = "POST"
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    schedule_time: datetime | None = None
    account: str = ""
    audience: str = ""


def under_receiver(url: str) -> bool:
    """Say whether this target is our own receiver, at RECEIVER_URL or below."""
    base = settings.RECEIVER_URL
    return url == base or url.startswith((f"{base}/", f"{base}?"))


def audience_for(url: str) -> str:
    """Return the audience of the token for this target.

    It is never typed: whoever could choose it could have a token for another service sent to a
    host of their own. Local tokens are worthless elsewhere, so there any target may have one.
    """
    if under_receiver(url):
        return str(settings.RECEIVER_URL)
    if not settings.CLOUD_TASKS_ENDPOINT:
        raise ValidationError(
            f"A token goes only to {settings.RECEIVER_URL}. Leave this empty for other targets."
        )
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def check_recipe(url: str) -> None:
    """Refuse a recipe where the target is not the receiver that could follow it."""
    if not under_receiver(url):
        raise ValidationError(f"Only this receiver fails by a recipe: {settings.RECEIVER_URL}.")


def check_body(method: str, body: bytes) -> None:
    """Refuse a body where Cloud Tasks does."""
    if body and method not in BODY_METHODS:
        raise ValidationError(f"A {method} has no body: use POST, PUT or PATCH, or empty this.")


def check_size(draft: Draft) -> None:
    """Refuse a task that Cloud Tasks would call too large."""
    texts = (draft.name, draft.url, draft.account, draft.audience)
    others = sum(len(text) + 6 for text in texts) + RESERVE
    others += sum(len(name) + len(value) + 10 for name, value in draft.headers)
    room = TASK_BYTES - others
    if len(draft.body) > room:
        raise ValidationError(
            f"{len(draft.body):,} bytes; beside this name, URL and headers {room:,} fit into "
            "a task of 1 MiB."
        )


def warnings(url: str, method: str) -> list[str]:
    """Return what is allowed but probably not meant."""
    if method == "GET" and url.rstrip("/") == settings.RECEIVER_URL:
        return [
            "GET at the receiver's root is told from a person's visit by its Cloud Tasks headers. "
            f"{settings.RECEIVER_URL}/receive has no such double life."
        ]
    return []
