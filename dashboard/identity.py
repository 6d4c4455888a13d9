"""Who signed an event's request, in words: what was checked here, and what is only claimed."""

from dataclasses import dataclass

from receiver.models import Event


@dataclass(frozen=True)
class Tick:
    """One part of an identity; `done` says that it was checked, None that it is only claimed."""

    text: str
    done: bool | None


def ticks(event: Event) -> list[Tick]:
    """Return the parts of the caller's identity, the checks that were made first.

    A verified event was stored only because each of these checks had passed.
    """
    account, audience = event.caller_account, event.caller_audience
    if event.caller_check == Event.Check.VERIFIED:
        return [
            Tick("signature", True),
            Tick("issuer", True),
            Tick(f"audience {audience}" if audience else "audience", True),
            Tick("account", True),
            Tick("age", True),
        ]
    claims = [Tick(f"account {account}", None)] if account else []
    claims += [Tick(f"audience {audience}", None)] if audience else []
    if event.caller_check == Event.Check.IAM:
        return [Tick("admitted by Cloud Run, which removed the signature", True), *claims]
    return [Tick("signature not checked", False), *claims]


def signed_by(event: Event) -> str:
    """Return who signed it, in a few words that claim no more than was checked."""
    account = event.caller_account or "an account without a name"
    return {
        Event.Check.VERIFIED: f"Signed by {account}",
        Event.Check.IAM: f"Sent by {account}, as Cloud Run checked",
    }.get(Event.Check(event.caller_check), "Not checked who sent it")
