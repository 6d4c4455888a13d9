"""A task as it will be sent, and the rules that concern it as a whole.

Each rule raises ValidationError with the sentence to show.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

METHODS = ("POST", "PUT", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS")
BODY_METHODS = ("POST", "PUT", "PATCH")
# Cloud Tasks measures the stored message and refuses beyond 2^20 - 7 bytes (measured); what it adds
# to ours (times, deadline, User-Agent, tags and lengths) stays below this reserve.
TASK_BYTES = 1_048_569
RESERVE = 256
# Cloud Tasks' own fields on the way to a target, and those of Google's front end.
ADDED_FIELDS = 20
_NOT_IN_TARGET = re.compile(r"[^\x21\x22\x24-\x7e]")


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


def clean_method(text: str) -> str:
    """Return the method as Cloud Tasks spells it; POST where none is given."""
    method = text.upper() or "POST"
    if method not in METHODS:
        raise ValidationError(f"A task's method is one of {', '.join(METHODS)}.")
    return method


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


def receiver_faults(draft: Draft) -> dict[str, str]:
    """Return, by field, what our own receiver would refuse each time, so that it is not sent."""
    if not under_receiver(draft.url):
        return {}
    parts = urlsplit(draft.url)
    target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    line = len(draft.method) + len(target) + len(" HTTP/1.1") + 1
    found = {}
    if line > settings.REQUEST_LINE_BYTES:
        most = settings.REQUEST_LINE_BYTES
        found["url"] = f"A request line of {line:,} bytes; the receiver takes {most:,}."
    if _NOT_IN_TARGET.search(target):
        found["url"] = "The receiver takes no such sign in a URL: percent-encode it."
    most = settings.HEADER_FIELDS - ADDED_FIELDS
    if len(draft.headers) > most:
        found["headers"] = f"{len(draft.headers)} headers; the receiver takes {most} of your own."
    for name, value in draft.headers:
        if len(name) + len(value) + 4 > settings.HEADER_FIELD_BYTES:
            most = settings.HEADER_FIELD_BYTES
            found["headers"] = f"{name} is longer than the {most:,} bytes that the receiver takes."
    if len(draft.body) > settings.MAX_BODY_BYTES:
        most = settings.MAX_BODY_BYTES
        found["body"] = f"{len(draft.body):,} bytes; the receiver takes {most:,}."
    return found


def warnings(draft: Draft) -> list[str]:
    """Return what is allowed but probably not meant, for a target that is our receiver."""
    if not under_receiver(draft.url):
        return []
    found = []
    path = unquote(urlsplit(draft.url).path) or "/"
    if path != "/" and not path.startswith("/receive/") and path != "/receive":
        found.append(
            f"Nothing takes tasks at {path}: the receiver is at / and at /receive and below."
        )
    if dropped := [name for name, _ in draft.headers if "_" in name]:
        found.append(f"A header with an underscore is not passed on: {', '.join(dropped)}.")
    return found + _get_of_root(draft.url, draft.method)


def _get_of_root(url: str, method: str) -> list[str]:
    if method == "GET" and url.rstrip("/") == settings.RECEIVER_URL:
        return [
            "GET at the receiver's root is told from a person's visit by its Cloud Tasks headers. "
            f"{settings.RECEIVER_URL}/receive has no such double life."
        ]
    return []
