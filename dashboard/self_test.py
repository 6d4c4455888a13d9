"""The self-test: one task through the whole path, and which of the five steps it has taken.

`steps` is pure: it is told what is known and says how far the task came, why not further, and
what mends it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings

from receiver.models import Event, Refusal

from . import drafts, names
from .drafts import Draft
from .health import cloud_tasks_mend
from .models import SKEW, SentTask
from .resources import Queue
from .words import duration

PATH = "/receive/self-test"
PATIENCE = timedelta(seconds=10)  # by then a queue with nothing else in it has dispatched
WATCHED = timedelta(minutes=10)  # a page that is left open does not ask for ever
_WRONG_URL = "RECEIVER_URL must be this service as Cloud Tasks reaches it."


@dataclass(frozen=True)
class Step:
    """One step: `state` is done, doubt, running, failed or waiting (for the one before)."""

    title: str
    state: str = "waiting"
    text: str = ""
    mend: str = ""
    command: str = ""
    leads_to: str = ""  # queue, event, replies: the page that the text speaks of


def draft(task_id: str) -> Draft:
    """Return the task to send, to our own receiver with the token that it admits."""
    queue = names.queue_name(settings.CLOUD_TASKS_QUEUE)
    url = f"{settings.RECEIVER_URL}{PATH}"
    account = settings.OIDC_SERVICE_ACCOUNT
    return Draft(
        name=f"{queue}/tasks/{task_id}",
        queue=queue,
        url=url,
        headers=[("Content-Type", "application/json")],
        body=json.dumps({"self-test": task_id}).encode(),
        account=account,
        audience=drafts.audience_for(url) if account else "",
    )


def refusals(sent: SentTask) -> list[Refusal]:
    """Return what turned this task away, the newest first."""
    found = Refusal.objects.filter(task=sent.task_id, queue=sent.queue_id)
    return list(found.filter(minute__gte=sent.created_at - SKEW).order_by("-minute")[:5])


def over(sent: SentTask, now: datetime) -> bool:
    """Tell whether there is nothing more to wait for; what failed goes on once it is mended."""
    refused = sent.answer == SentTask.Answer.REFUSED
    return refused or bool(sent.ended_at) or now - sent.created_at > WATCHED


def steps(
    sent: SentTask,
    events: Sequence[Event],
    turned_away: Sequence[Refusal],
    queue: Queue | None,
    now: datetime,
) -> list[Step]:
    """Return the five steps in their order; what follows a step that is not done waits."""
    event = next((e for e in events if e.outcome == Event.Outcome.SUCCEEDED), None)
    event = event or (events[-1] if events else None)
    found = [
        _created(sent, event),
        _dispatched(sent, event, turned_away, queue, now),
        _verified(sent, event, turned_away),
        _stored(sent, event),
        _answered(sent, event),
    ]
    for number, step in enumerate(found):
        if step.state in ("running", "failed"):
            return [*found[: number + 1], *(Step(later.title) for later in found[number + 1 :])]
    return found


def _created(sent: SentTask, event: Event | None) -> Step:
    step = Step("Created in Cloud Tasks")
    if event or sent.answer == SentTask.Answer.CREATED:
        return replace(step, state="done", text=f"Queue {sent.queue_id} has taken it.")
    if sent.answer == SentTask.Answer.PENDING:
        return replace(step, state="running", text="Waiting for the answer of Cloud Tasks.")
    mend, command = cloud_tasks_mend(sent.answer_text)
    return replace(step, state="failed", text=sent.answer_text, mend=mend, command=command)


def _dispatched(
    sent: SentTask,
    event: Event | None,
    turned_away: Sequence[Refusal],
    queue: Queue | None,
    now: datetime,
) -> Step:
    step = Step("Dispatched to the receiver", leads_to="queue")
    if event or turned_away or sent.dispatch_count:
        moment = sent.first_attempt_at or (event.received_at if event else None)
        return replace(step, state="done", leads_to="", text=_after(sent, moment))
    if sent.ended_at:
        text = "It left the queue before it was dispatched: deleted or purged."
        return replace(step, state="failed", text=text, mend="Run the self-test again.")
    if queue and not queue.running:
        text = f"Queue {sent.queue_id} is {queue.state.lower()}, so it dispatches nothing."
        return replace(step, state="failed", text=text, mend="Resume it; the task goes on then.")
    text = "Waiting for its turn."
    if queue and now - sent.created_at > PATIENCE:
        rate = f"{queue.max_dispatches_per_second:g} a second"
        text = f"Still waiting for its turn: the queue dispatches at most {rate}, in order."
    return replace(step, state="running", text=text)


def _verified(sent: SentTask, event: Event | None, turned_away: Sequence[Refusal]) -> Step:
    step = Step("Caller verified")
    if event:
        return replace(step, **_caller(event))
    if turned_away:
        refusal = turned_away[0]
        text = f"Turned away: {refusal.get_reason_display()}. Cloud Tasks tries again by itself."
        mend = refusal.mend
        return replace(step, state="failed", text=text, mend=mend.text, command=mend.command)
    if sent.last_attempt_text:
        return replace(step, state="failed", **_elsewhere(sent.last_attempt_text))
    if sent.ended_at:
        text = "The task is gone, and nothing of it was stored or turned away here."
        return replace(step, state="failed", text=text, mend=_WRONG_URL, command=_try_url())
    return replace(step, state="running", text="On its way.")


def _caller(event: Event) -> dict[str, str]:
    account = event.caller_account
    checks = {
        Event.Check.VERIFIED: ("done", f"Signature, audience and account are right: {account}."),
        Event.Check.IAM: ("done", f"Cloud Run has checked the token of {account or 'the caller'}."),
        Event.Check.NONE: ("doubt", "Nobody looked: RECEIVER_AUTH is off, so anybody may deliver."),
    }
    state, text = checks[Event.Check(event.caller_check)]
    return {"state": state, "text": text}


def _elsewhere(text: str) -> dict[str, str]:
    """What Cloud Tasks was told, and it was not by our receiver, which would have counted it."""
    if settings.K_SERVICE and any(code in text for code in ("401", "403", "PERMISSION")):
        return {
            "text": f"Cloud Run did not let it in: {text}.",
            "mend": "Let the account of the tasks call the service that receives them.",
            "command": "gcloud run services add-iam-policy-binding SERVICE "
            f"--member=serviceAccount:{settings.OIDC_SERVICE_ACCOUNT} --role=roles/run.invoker",
        }
    return {
        "text": f"It did not reach this receiver. Cloud Tasks tells: {text}.",
        "mend": _WRONG_URL,
        "command": _try_url(),
    }


def _try_url() -> str:
    return f"curl -i {settings.RECEIVER_URL}/receive"


def _stored(sent: SentTask, event: Event | None) -> Step:
    step = Step("Stored, byte for byte", leads_to="event")
    if not event:
        return step
    return replace(step, state="done", text=_after(sent, event.received_at))


def _answered(sent: SentTask, event: Event | None) -> Step:
    step = Step("Answered, and taken off the queue")
    if not event:
        return step
    took = f" after {duration(event.took_us / 1e6)}" if event.took_us is not None else ""
    if event.outcome == Event.Outcome.FAILED:
        what = f"Answered {event.status or 'not at all'} by the reply {event.reply_name}."
        mend = "Switch that reply off; Cloud Tasks tries again by itself."
        return replace(step, state="failed", text=what, mend=mend, leads_to="replies")
    text = f"Answered {event.status}{took}."
    return replace(step, state="done" if sent.ended_at else "running", text=text)


def _after(sent: SentTask, moment: datetime | None) -> str:
    if moment is None:
        return ""
    return f"{duration(max((moment - sent.created_at).total_seconds(), 0))} after it was sent."
