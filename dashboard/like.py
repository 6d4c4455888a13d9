"""Fills the enqueue form from what there is: a task that was sent, an event, a template.

A reference is `task-5` or `event-7`. A form can hold a body only where it is text with plain line
ends; any other stays a reference, and its exact bytes are sent.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.urls import reverse
from django.utils import timezone

from receiver.models import Event

from . import inert, rules
from .models import SentTask, Template
from .names import queue_name, short

_MASKED = re.compile(r"<masked, sha256 [0-9a-f]{8}>")
# What the way adds to a request: proxies, Google's front end, the sender's HTTP client.
_WAY = re.compile(
    r"accept-encoding|forwarded|via|x-forwarded-.*|x-real-ip|x-cloud-trace-context|"
    r"traceparent|tracestate",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Like:
    """What to fill the form with, where it comes from, and what of it was left out, in words."""

    key: str
    title: str
    link: str
    fields: dict[str, str]
    body: bytes | None  # None where the reader may not see it
    left_out: list[str] = field(default_factory=list)

    @property
    def initial(self) -> dict[str, str]:
        """The form's fields; the body where it can be typed, else the reference to it."""
        body = as_typed(self.body or b"")
        return self.fields | ({"like": self.key} if body is None else {"body": body})


class NoSuch(Exception):
    """The reference leads nowhere; `str()` is the sentence to show."""


def find(key: str, may: Callable[[str], bool]) -> Like:
    """Return what a reference stands for; `may` tells whether the reader has a permission.

    Raises NoSuch, or PermissionDenied where the reader may not see it at all.
    """
    match = re.fullmatch(r"([a-z]+)-([0-9]{1,18})", key)
    if not match or match[1] not in KINDS:
        raise NoSuch("The form is filled from task-ID, event-ID or template-ID.")
    permission, fill = KINDS[match[1]]
    if not may(permission):
        raise PermissionDenied(f"Your account lacks the permission {permission}.")
    try:
        return fill(int(match[2]), may)
    except ObjectDoesNotExist as error:
        raise NoSuch(f"There is no {match[1]} {match[2]} any more.") from error


def as_typed(body: bytes) -> str | None:
    """Return the text that the form would send as exactly these bytes, None where none does."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    # A browser sends every line end as CRLF, which the form takes for LF.
    return None if "\r" in text or "\0" in text else text


def _task(pk: int, may: Callable[[str], bool]) -> Like:
    sent = SentTask.objects.get(pk=pk)
    left_out, schedule_time = [], ""
    if not sent.random_name:
        left_out.append(f"The name {sent.task_id}: a name is used once.")
    if sent.schedule_time and sent.schedule_time > timezone.now():
        schedule_time = sent.schedule_time.isoformat()
    elif sent.schedule_time:
        left_out.append(f"The time {sent.schedule_time:%Y-%m-%d %H:%M:%S} UTC: it has passed.")
    fields = {
        "queue": _queue(sent.queue),
        "method": sent.method,
        "url": sent.url,
        "headers": _lines(sent.headers),
        "schedule_time": schedule_time,
        "account": sent.account,
    }
    body = _body(sent.body, may("receiver.view_body"), left_out)
    title = f"task {sent.task_id}"
    return Like(f"task-{pk}", title, reverse("task", args=[pk]), fields, body, left_out)


def _event(pk: int, may: Callable[[str], bool]) -> Like:
    event = Event.objects.get(pk=pk)
    left_out: list[str] = []
    headers = _sendable(event.headers, left_out)
    fields = {
        "method": event.method,
        "url": _url(event, left_out),
        "headers": _lines(headers),
        "account": settings.OIDC_SERVICE_ACCOUNT,
    }
    if event.queue:
        fields["queue"] = event.queue
    if event.task:
        left_out.append(f"The name {inert.visible(event.task)}: a name is used once.")
    body = _body(event.body, may("receiver.view_body"), left_out)
    title = inert.visible(f"event {pk}" + (f" of task {event.task}" if event.task else ""))
    return Like(f"event-{pk}", title, reverse("event", args=[pk]), fields, body, left_out)


def _template(pk: int, may: Callable[[str], bool]) -> Like:
    template = Template.objects.get(pk=pk)
    left_out: list[str] = []
    fields = {
        "queue": _queue(template.queue),
        "method": template.method,
        "url": template.url,
        "headers": _lines(template.headers),
        "account": template.account,
        "recipe": template.recipe,
    }
    body = _body(template.body, may("receiver.view_body"), left_out)
    title = f"template {template.title}"
    return Like(f"template-{pk}", title, reverse("templates"), fields, body, left_out)


# By a reference's first word: the permission that it needs, and what reads it.
KINDS: dict[str, tuple[str, Callable[[int, Callable[[str], bool]], Like]]] = {
    "task": ("dashboard.view_senttask", _task),
    "event": ("receiver.view_event", _event),
    "template": ("dashboard.view_template", _template),
}


def _queue(name: str) -> str:
    """Return a queue's short id where that means this queue to the form, else its full name."""
    return short(name) if queue_name(short(name)) == name else name


def _lines(headers: list[Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers)


def _body(stored: Any, may_see: bool, left_out: list[str]) -> bytes | None:
    body = bytes(stored)
    if body and not may_see:
        left_out.append("The body: your account lacks the permission receiver.view_body.")
        return None
    return body


def _sendable(received: list[list[str]], left_out: list[str]) -> list[list[str]]:
    """Return the headers that the sender wrote and that a form can send again."""
    kept, added, masked, odd = [], [], [], []
    for name, value in received:
        if rules.is_reserved(name) or _WAY.fullmatch(name):
            added.append(name)
        elif _MASKED.search(value):
            masked.append(name)
        elif not rules.is_sendable(name, value):
            odd.append(name)
        else:
            kept.append([name, value])
    for names, why in (
        (added, "Set by Cloud Tasks or on the way"),
        (masked, "A secret, which was masked before it was saved"),
        (odd, "Not plain ASCII"),
    ):
        if names:
            left_out.append(f"{why}: {inert.visible(', '.join(names))}.")
    return kept


def _url(event: Event, left_out: list[str]) -> str:
    base = urlsplit(settings.RECEIVER_URL)
    pairs = event.query.split("&") if event.query else []
    kept = [pair for pair in pairs if not _MASKED.search(pair)]
    if names := [pair.partition("=")[0] for pair in pairs if pair not in kept]:
        left_out.append(f"Masked in the URL: {inert.visible(', '.join(names))}.")
    query = f"?{'&'.join(kept)}" if kept else ""
    return f"{base.scheme}://{base.netloc}{event.path}{query}"
