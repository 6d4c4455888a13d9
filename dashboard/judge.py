"""Sets the state of a sent task from what is known of it now."""

from typing import TYPE_CHECKING

from django.utils import timezone

from receiver.models import Event

from .drafts import under_receiver
from .states import Known, state_of

if TYPE_CHECKING:
    from .models import SentTask


def judge(
    sent: "SentTask",
    exists: bool | None,
    events: list[tuple[str, int | None]],
    *,
    refused: bool = False,
) -> None:
    """Set the state from GetTask's answer and the (outcome, retry_count) of its events.

    `refused` says that a request which claimed to be this task was turned away.
    """
    now = timezone.now()
    succeeded = [retry or 0 for outcome, retry in events if outcome == Event.Outcome.SUCCEEDED]
    # The retry count in an event's headers is Cloud Tasks' own, and often newer than GetTask's.
    counted = max((retry + 1 for _, retry in events if retry is not None), default=0)
    sent.dispatch_count = max(sent.dispatch_count, counted)
    if sent.answer_is_lost and (exists or events):
        sent.answer, sent.answer_text = sent.Answer.CREATED, ""
    elif sent.answer == sent.Answer.PENDING and exists is False and not sent.is_being_sent:
        sent.answer, sent.answer_text = sent.Answer.UNKNOWN, "The answer was not kept."
    known = Known(
        answer=sent.answer,
        exists=exists,
        now=now,
        before=sent.state,
        too_late=not sent.is_young,
        schedule_time=sent.next_attempt_at or sent.schedule_time,
        dispatch_count=sent.dispatch_count,
        response_count=sent.response_count,
        succeeded_as=max(succeeded) + 1 if succeeded else 0,
        failed=len(events) - len(succeeded),
        ours=under_receiver(sent.url),
        refused=refused,
    )
    sent.state, ended = state_of(known)
    sent.ended_at = (sent.ended_at or now) if ended else None
