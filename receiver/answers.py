"""What the receiver answers, told apart from how a server is made to send it."""

from typing import NamedTuple

from .refusals import ANSWERS, Reason

RETRY_AFTER = ("Retry-After", "5")
_USUAL = (
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)


class Answer(NamedTuple):
    """Status, body and headers, sent after `delay` seconds; or a connection dropped instead."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    drop: bool = False


def sentence(status: int, text: str, *headers: tuple[str, str]) -> Answer:
    """Return an answer of one line of text that nobody may keep."""
    return Answer(status, f"{text}\n".encode(), _USUAL + headers)


def stored(event_id: int) -> Answer:
    """Return the answer to a request that is committed."""
    return sentence(200, f"Stored as event {event_id}.")


def refusal(reason: Reason) -> Answer:
    """Return the answer to a request that is not taken; its body may be left unread."""
    status, text = ANSWERS[reason]
    headers = [("Connection", "close")]
    if status == 401:
        headers.append(("WWW-Authenticate", "Bearer"))
    if status == 503:
        headers.append(RETRY_AFTER)
    return sentence(status, text, *headers)


STORE_AWAY = sentence(503, "The database cannot be reached.", RETRY_AFTER)
NOT_STORED = sentence(500, "The request could not be stored.")
