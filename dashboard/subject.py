"""Everything known of one task, from both ends, whoever sent it: what its page is made of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from receiver.models import Event, Refusal

from . import belongs, diagnosis, gateway, local, names
from .drafts import under_receiver
from .errors import GatewayError, NotFound
from .models import SKEW, SentTask
from .refresh import refresh
from .resources import Queue, Task
from .states import Known, state_of

MOST = 200  # events and refusals of one task that are shown
SETTLES = timedelta(seconds=10)
May = Callable[[str], bool]


@dataclass
class Subject:
    """One task. `exists` is GetTask's word, None where it was not or could not be asked.

    `events`, oldest first, and `refusals`, newest first, are empty where the reader may not see
    them; `attempts` is what a local Cloud Tasks tells, and no other does.
    """

    name: str
    queue: str
    task_id: str
    now: datetime
    sent: SentTask | None = None
    found: Task | None = None
    exists: bool | None = None
    gone: str = ""  # what Cloud Tasks said where it has no such task
    trouble: str = ""
    state: str = SentTask.State.UNKNOWN
    ended: bool = False
    is_local: bool = False
    ahead: timedelta = timedelta(0)  # the local Cloud Tasks' clock
    events: list[Event] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    attempts: list[local.Attempt] = field(default_factory=list)
    arrived: list[Event] = field(default_factory=list)  # `events`, the reader's rights left out

    @property
    def queue_id(self) -> str:
        return names.short(self.queue)

    @property
    def url(self) -> str:
        """The target, as far as it is known."""
        if self.sent:
            return self.sent.url
        if self.found:
            return self.found.url
        return self.attempts[-1].url if self.attempts else ""

    @property
    def due(self) -> datetime | None:
        """When Cloud Tasks means to try next."""
        if self.found:
            return self.found.schedule_time
        return (self.sent.next_attempt_at or self.sent.schedule_time) if self.sent else None

    @property
    def begun_at(self) -> datetime | None:
        """When it was sent, or made where it was not sent from here."""
        if self.sent:
            return self.sent.created_at
        return self.found.create_time if self.found else None

    @property
    def dispatch_count(self) -> int:
        told = self.found.dispatch_count if self.found else 0
        counted = max((event.attempt or 0 for event in self.events), default=0)
        tried = max((attempt.number for attempt in self.attempts), default=0)
        return max(told, counted, tried, self.sent.dispatch_count if self.sent else 0)

    @property
    def known(self) -> bool:
        """Whether anything at all is known of a task of this name."""
        seen = self.sent or self.found or self.arrived or self.refusals or self.attempts
        return bool(seen) or "recently" in self.gone

    @property
    def is_settling(self) -> bool:
        """Whether a local Cloud Tasks has still to tell of an attempt of what has ended."""
        if any(attempt.is_under_way for attempt in self.attempts):
            return True  # one more was asked for
        ended_at = self.sent.ended_at if self.sent else None
        if not self.is_local or ended_at is None or self.now - ended_at > SETTLES:
            return False
        told = [attempt for attempt in self.attempts if attempt.ended_at]
        return len(told) < self.dispatch_count

    @property
    def is_waiting(self) -> bool:
        """Whether it can be run now or cancelled."""
        return self.exists is True or (self.exists is None and not self.ended)

    @property
    def succeeded(self) -> Event | None:
        """The first event that was answered 2xx."""
        good = (one for one in self.events if one.outcome == Event.Outcome.SUCCEEDED)
        return next(good, None)


def of_sent(sent: SentTask, may: May) -> Subject:
    """Gather what is known of a task sent from here; its row is brought up to date."""
    trouble = refresh([sent])
    subject = Subject(sent.name, sent.queue, sent.task_id, timezone.now(), sent)
    subject.trouble, subject.state, subject.ended = trouble, sent.state, bool(sent.ended_at)
    if sent.is_refused:
        return subject
    until = belongs.ends([sent]).get(sent.pk)
    if subject.ended:
        subject.exists = False
    elif not trouble:
        _ask(subject)
        if subject.found and not belongs.is_of(subject.found, sent, until):
            subject.found, subject.exists = None, False  # the name is another task's by now
    _add(subject, may, sent.created_at - SKEW, until)
    if until and until <= subject.now:  # told of by name, so perhaps another task's
        subject.attempts = [attempt for attempt in subject.attempts if attempt.at < until]
    return subject


def of_name(name: str, may: May) -> Subject:
    """Gather what is known of any task by its full name; raises ValidationError for no name."""
    queue, task_id = names.split_task(name)
    subject = Subject(name, queue, task_id, timezone.now())
    _ask(subject)
    made = subject.found.create_time if subject.found else None
    _add(subject, may, made - SKEW if made else None, None)
    found, good = subject.found, Event.Outcome.SUCCEEDED
    seen: list[tuple[str, int | None]] = [(one.outcome, one.retry_count) for one in subject.arrived]
    told = None if seen or subject.exists is not False else local.outcomes(name)
    seen = seen or told or []
    succeeded = [retry or 0 for outcome, retry in seen if outcome == good]
    known = Known(
        answer=SentTask.Answer.CREATED,
        exists=subject.exists,
        now=subject.now,
        schedule_time=found.schedule_time if found else None,
        dispatch_count=found.dispatch_count if found else 0,
        response_count=found.response_count if found else 0,
        succeeded_as=max(succeeded) + 1 if succeeded else 0,
        failed=len(seen) - len(succeeded),
        ours=False,  # without a row it is not known where it was sent, once it is gone
    )
    subject.state, subject.ended = state_of(known)
    return subject


def why(subject: Subject) -> list[diagnosis.Reason]:
    """Say why it has not arrived, or not with success."""
    sent, found = subject.sent, subject.found
    told = found or sent
    queue, queue_gone = queue_of(subject.queue)
    failed = [attempt for attempt in subject.attempts if attempt.error]
    return diagnosis.reasons(
        diagnosis.Facts(
            now=subject.now + subject.ahead,
            queue_id=subject.queue_id,
            url=subject.url,
            ours=under_receiver(subject.url),
            answer=sent.answer if sent else SentTask.Answer.CREATED,
            answer_text=sent.answer_text if sent else "",
            exists=False if subject.ended else subject.exists,
            queue=queue,
            queue_gone=queue_gone,
            due=subject.due,
            dispatch_count=subject.dispatch_count,
            response_count=told.response_count if told else 0,
            under_way_since=found.under_way_since if found else None,
            last_text=told.last_attempt_text if told else "",
            local_error=failed[-1].error if failed else "",
            arrived=len(subject.arrived),
            refusals=subject.refusals,
        )
    )


def queue_of(name: str) -> tuple[Queue | None, bool]:
    """Return a queue, None where it cannot be read, and whether there is none any more."""
    try:
        return gateway.get_queue(name), False
    except NotFound:
        return None, True
    except GatewayError:
        return None, False


def _ask(subject: Subject) -> None:
    try:
        subject.found = gateway.get_task(subject.name)
        subject.exists = True
    except NotFound as error:
        subject.exists, subject.gone = False, str(error)
    except GatewayError as error:
        subject.trouble = str(error)


def _add(subject: Subject, may: May, since: datetime | None, until: datetime | None) -> None:
    """Add the events and refusals of that time, and what only a local Cloud Tasks tells.

    The sender is asked first: what it tells as answered has its event by then.
    """
    if local.is_here():
        try:
            subject.attempts = local.attempts(subject.name)
            subject.ahead, subject.is_local = local.ahead(), True
        except GatewayError:
            subject.attempts = []
    events = Event.objects.of_task(subject.queue_id, subject.task_id)
    refusals = Refusal.objects.filter(task=subject.task_id, queue=subject.queue_id)
    if since:
        events = events.filter(received_at__gte=since)
        refusals = refusals.filter(minute__gte=since - SKEW)
    if until:
        events = events.filter(received_at__lt=until)
        refusals = refusals.filter(minute__lt=until)
    subject.arrived = list(events.light().order_by("-id")[:MOST])[::-1]
    subject.events = subject.arrived if may("receiver.view_event") else []
    if may("receiver.view_refusal"):
        subject.refusals = list(refusals.order_by("-id")[:20])
