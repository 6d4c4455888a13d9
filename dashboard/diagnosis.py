"""Why a task has not arrived, in words: one pure rule over what both ends tell."""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from receiver.models import Refusal

from . import words
from .resources import Queue


@dataclass(frozen=True)
class Facts:
    """What is known of a task of which nothing, or no success, has arrived.

    `exists` is GetTask's word, None where it could not be asked; `queue` is None where it could
    not be read, `queue_gone` where there is none any more. `due` is when Cloud Tasks means to try
    next, `local_error` what a local Cloud Tasks tells of the last attempt.
    """

    now: datetime
    queue_id: str
    url: str
    ours: bool
    answer: str = "created"
    answer_text: str = ""
    exists: bool | None = True
    queue: Queue | None = None
    queue_gone: bool = False
    due: datetime | None = None
    dispatch_count: int = 0
    response_count: int = 0
    under_way_since: datetime | None = None
    last_text: str = ""
    local_error: str = ""
    arrived: int = 0
    refusals: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True)
class Reason:
    """One reason: `word` for a list, `text` the sentence, `at` an instant after it.

    `queue` is the queue to look at, `command` what mends it.
    """

    word: str
    text: str
    kind: str = "quiet"
    at: datetime | None = None
    queue: str = ""
    mend: str = ""
    command: str = ""


def reasons(facts: Facts) -> list[Reason]:
    """Return why it has not arrived, the most telling reason first; never none."""
    if facts.answer == "refused":
        return [_not_created(facts)]
    if facts.queue_gone:
        text = f"The queue {facts.queue_id} does not exist any more; its tasks went with it."
        return [Reason("Queue deleted", text, "bad"), *_refused(facts)]
    if facts.exists is None:
        text = "Cloud Tasks could not be asked, so what keeps this task is not known."
        return [Reason("Not known", text, "info"), *_refused(facts)]
    return (_alive(facts) if facts.exists else _gone(facts)) or [_behind(facts)]


def _alive(facts: Facts) -> list[Reason]:
    found = _held(facts)
    if facts.under_way_since:
        found.append(
            Reason("Under way", "An attempt waits for its answer since", at=facts.under_way_since)
        )
        return [*found, *_elsewhere(facts, facts.local_error or facts.last_text)]
    later = facts.due if facts.due and facts.due > facts.now else None
    if not facts.dispatch_count:
        if later:
            found.append(Reason("Scheduled", "Scheduled for later: it is due at", at=later))
        return found
    found += _failing(facts)
    if later:
        tried = f"Tried {words.times(facts.dispatch_count)}, in backoff until"
        found.append(Reason("In backoff", tried, "warn", at=later))
    return found


def _held(facts: Facts) -> list[Reason]:
    """Return what the queue's state keeps from being dispatched."""
    queue = facts.queue
    if queue is None or queue.running:
        return []
    word = "Queue paused" if queue.state == "PAUSED" else "Queue disabled"
    text = f"The queue {queue.id} is {queue.state.lower()}: nothing is dispatched from it."
    mend = "Resume the queue, or run this task now." if queue.state == "PAUSED" else ""
    return [Reason(word, text, "warn", queue=queue.id, mend=mend)]


def _failing(facts: Facts) -> list[Reason]:
    """Return why attempts were made and none succeeded here."""
    if found := _refused(facts):
        return found
    if facts.arrived:
        return [Reason("Failing", "It arrives, and is not answered with 2xx.", "warn")]
    said = facts.local_error or facts.last_text
    if not facts.response_count:
        text = f"No answer came from {_host(facts.url)}: nothing listens there, or not in time."
        return [Reason("No answer", f"{text} {said}".strip(), "bad"), *_elsewhere(facts, "")]
    if not facts.ours:
        return _elsewhere(facts, said)
    text = f"The target answers, but nothing of it was stored here: is {facts.url} the right URL?"
    return [Reason("Not the receiver", f"{text} {said}".strip(), "bad")]


def _gone(facts: Facts) -> list[Reason]:
    if found := _refused(facts):
        return found
    if facts.answer in ("unknown", "pending"):
        text = "The answer to CreateTask was lost, and Cloud Tasks knows no such task: perhaps "
        return [Reason("Answer lost", f"{text}it was never made. {facts.answer_text}", "info")]
    if not facts.ours:
        return _elsewhere(facts, facts.local_error or facts.last_text)
    if facts.arrived:
        return [Reason("Gave up", "It arrived, was never answered with 2xx, and is gone.", "bad")]
    tried = f"Tried {words.times(facts.dispatch_count)}. " if facts.dispatch_count else ""
    text = (
        f"{tried}The task is gone and nothing of it was stored here: it was turned away, deleted, "
        "purged, or sent to another server at this address."
    )
    return [Reason("Gone", text, "bad")]


def _refused(facts: Facts) -> list[Reason]:
    """Return what this receiver turned away that claimed to be this task."""
    if not facts.refusals:
        return []
    last = facts.refusals[0]
    text = f"This receiver turned it away (as the request claimed): {last.get_reason_display()}."
    return [Reason("Refused", text, "bad", mend=last.mend.text, command=last.mend.command)]


def _elsewhere(facts: Facts, said: str) -> list[Reason]:
    """Return that it goes elsewhere, with what was said of the last attempt."""
    if facts.ours:
        return []
    text = f"Its target is {_host(facts.url)}, not this receiver: what arrives there is not seen."
    return [Reason("Target elsewhere", f"{text} {said}".strip(), "info")]


def _behind(facts: Facts) -> Reason:
    """Return why a task that is due in a running queue has not been dispatched."""
    if facts.queue is None:
        return Reason("Due", "It is due, and waits to be dispatched.")
    text = f"It is due, and waits behind others or for the rate limit. {words.pace(facts.queue)}"
    return Reason("Behind others", text, queue=facts.queue.id)


def _not_created(facts: Facts) -> Reason:
    said = facts.answer_text
    if "recently" in said:
        text = "Not created: a task of this name has ended, and the name rests for about an hour"
        return Reason("Name resting", f"{text}, at Google for up to 24. {said}", "bad")
    if "ALREADY_EXISTS" in said:
        return Reason("Name taken", f"Not created: the name is taken. {said}", "bad")
    return Reason("Not created", f"Cloud Tasks did not take it. {said}", "bad")


def _host(url: str) -> str:
    return urlsplit(url).netloc or url
