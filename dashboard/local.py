"""What only a local Cloud Tasks can tell or do: its own REST, which is no part of Google's API.

Nothing here is asked where tasks go to Google; a local Cloud Tasks without this REST (another
emulator) is treated the same.
"""

import http.client
import json
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils import timezone

from receiver.models import Event

from . import cache, inert
from .errors import GatewayError, NotFound, Refused, UnknownOutcome, Unreachable

SECONDS = 2.0  # a page waits no longer
IN_ORDER_SECONDS = 20.0  # nor for deliveries one after the other
NEXT = "next"
STEPS = {
    NEXT: "to whatever is due next",
    "60": "by a minute",
    "3600": "by an hour",
    "86400": "by a day",
    "604800": "by a week",
}
ORDERS = {"reverse": "last due first", "random": "in random order"}
LONGEST = timedelta(minutes=31)  # an attempt that was broken off is never told to have ended
MOST = 50  # each brings what was sent and answered, up to 64 KiB of both


@dataclass(frozen=True)
class Attempt:
    """One attempt as its sender saw it; `status` is None where no answer came, `error` says why."""

    number: int
    at: datetime
    ended_at: datetime | None
    method: str
    url: str
    status: int | None
    error: str
    forced: bool  # by RunTask
    extra: bool  # delivered once more on purpose
    answer: bytes  # at most its first 64 KiB

    @property
    def ok(self) -> bool:
        """Whether it was answered 2xx, which ends the task."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_under_way(self) -> bool:
        """Whether its end may still come."""
        return self.ended_at is None and timezone.now() - self.at < LONGEST

    @property
    def shown(self) -> str:
        """What was answered, as inert text."""
        return inert.raw(self.answer)

    @property
    def seconds(self) -> float | None:
        """How long the target took."""
        return (self.ended_at - self.at).total_seconds() if self.ended_at else None


@cache.kept_for(10)
def is_here() -> bool:
    """Say whether tasks go to our own local Cloud Tasks, and its REST answers."""
    try:
        return "clock_offset" in _ask("GET", "/health")
    except GatewayError:
        return False


@cache.kept_for(2, GatewayError)
def attempts(name: str) -> list[Attempt]:
    """Return every attempt of the task of this full name, oldest first, the newest 50."""
    return _attempts(name)


def _attempts(name: str) -> list[Attempt]:
    try:
        found = _ask("GET", f"/emulator/tasks/attempts?limit={MOST}&name={quote(name, safe='')}")
    except NotFound:
        return []
    return [_attempt(row) for row in reversed(found["attempts"])]


def outcomes(name: str, since: datetime | None = None) -> list[tuple[str, int | None]] | None:
    """Return (outcome, retry_count) of the attempts of a task that is gone, as events tell them.

    None while the last one's end is still to be told; empty where Cloud Tasks is not a local one.
    """
    try:
        made = [one for one in _attempts(name) if not one.extra] if is_here() else []
    except GatewayError:
        return None
    made = [one for one in made if since is None or one.at >= since]
    if made and made[-1].is_under_way:
        return None
    return [
        (Event.Outcome.SUCCEEDED if one.ok else Event.Outcome.FAILED, one.number - 1)
        for one in made
        if one.ended_at
    ]


@cache.kept_for(2, GatewayError)
def ahead() -> timedelta:
    """Return how far its clock has been turned ahead of the real time."""
    return timedelta(seconds=_ask("GET", "/emulator/clock")["offset"])


def forward(to: datetime) -> None:
    """Turn its clock ahead to this instant: all that is due by then goes out."""
    _change("/emulator/clock", {"to": to.isoformat()})


def advance(seconds: float) -> None:
    """Turn its clock ahead by this much."""
    _change("/emulator/clock", {"advance": seconds})


def to_next() -> None:
    """Turn its clock ahead to when the next task of any running queue is due."""
    _change("/emulator/clock", {"next": True})


def real_time() -> None:
    """Bring its clock back to the real time."""
    _change("/emulator/clock", {"resume": True})


def deliver_twice(name: str) -> None:
    """Send a task's last request once more, as at-least-once delivery may; ended ones as well."""
    _change("/emulator/tasks/redeliver", {"name": name})


def deliver_due(queue: str, order: str) -> list[str]:
    """Deliver what is due in a queue of this full name, paused or not, and return the names.

    `order` is reverse or random; each task waits for the answer to the one before. Raises
    UnknownOutcome where that takes longer than we wait: it goes on there.
    """
    body = {"queue": queue, "order": order}
    found: list[str] = _change("/emulator/release", body, IN_ORDER_SECONDS)["delivered"]
    return found


def _change(path: str, body: dict[str, Any], seconds: float = SECONDS) -> dict[str, Any]:
    try:
        return _ask("POST", path, body, seconds)
    finally:
        cache.clear(__name__)
        cache.clear("dashboard.gateway")


def _ask(
    method: str, path: str, body: dict[str, Any] | None = None, seconds: float = SECONDS
) -> dict[str, Any]:
    """Ask once; raises Unreachable, NotFound, Refused, or UnknownOutcome after `seconds`."""
    address = urlsplit(settings.OIDC_ISSUER)
    if not settings.CLOUD_TASKS_ENDPOINT or address.scheme != "http" or not address.hostname:
        raise Unreachable("Only a local Cloud Tasks can do that.")
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=seconds)
    try:
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        found = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        if method == "POST" and isinstance(error, TimeoutError):
            raise UnknownOutcome(
                f"The local Cloud Tasks has not answered within {seconds:g} s: it goes on with it."
            ) from error
        raise Unreachable(
            f"The local Cloud Tasks does not answer at {settings.OIDC_ISSUER}."
        ) from error
    finally:
        connection.close()
    if not isinstance(found, dict):
        raise Unreachable(f"No local Cloud Tasks answers at {settings.OIDC_ISSUER}.")
    if answer.status >= 400:
        raise _refused(answer.status, found)
    return found


def _refused(status: int, found: dict[str, Any]) -> Refused:
    error = found.get("error")
    said = error if isinstance(error, dict) else found
    text = str(said.get("message") or error or f"HTTP {status}")
    kind = NotFound if status == 404 else Refused
    return kind(text, str(said.get("status") or status))


def _attempt(row: dict[str, Any]) -> Attempt:
    ended_at = row["ended_at"]
    return Attempt(
        number=row["number"],
        at=datetime.fromisoformat(row["dispatch_time"]),
        ended_at=datetime.fromisoformat(ended_at) if ended_at else None,
        method=row["request"]["method"],
        url=row["request"]["url"],
        status=row["status"],
        error=row["error"],
        forced=row["run_task"],
        extra=row["extra"],
        answer=b64decode(row["response"]["body_base64"]),
    )
