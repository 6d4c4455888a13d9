"""Sends a batch, a slice at a time: claim rows, commit what is to be sent, call, keep the answers.

However many do this at once, and wherever one of them dies, each row becomes one task: a row is
taken by compare-and-set with a lease, its task's name is its own, and ALREADY_EXISTS means sent.
"""

import time
from collections import defaultdict
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from . import gateway, inert
from .errors import GatewayError, NoCredentials, Refused, UnknownOutcome, Unreachable
from .judge import judge
from .models import Batch, BatchRow, SentTask
from .refresh import refresh
from .row_check import RowCheck

SLICE = 2.0  # seconds
LEAST = 0.6  # what must be left of them for another round of calls
ROUND = 50  # rows claimed, and calls on their way, at a time
ROW, ANSWER = BatchRow.State, SentTask.Answer


@dataclass
class Job:
    """One claimed row with its task; `again` where it may have been sent before."""

    row: BatchRow
    sent: SentTask | None
    again: bool = False
    state: str = ""  # the row's, afterwards
    text: str = ""
    faults: list[list[str]] | None = None


def send_slice(batch: Batch, seconds: float = SLICE) -> str:
    """Send rows for at most `seconds`; return what keeps Cloud Tasks from taking more."""
    start, before = time.monotonic(), batch.done
    check, trouble, again = RowCheck(batch), "", True
    while not trouble:
        left = seconds - (time.monotonic() - start)
        if left < LEAST or not (jobs := _take(batch, check, again=again)):
            break
        _send([job for job in jobs if not job.state], left)
        trouble = _keep(batch, jobs)
        again = False
    batch.refresh_from_db()
    if not batch.settle():
        took = time.monotonic() - start
        rate = (batch.done - before) / took if batch.done > before else 0.0
        Batch.objects.filter(pk=batch.pk).update(rate=rate, sliced_at=timezone.now())
        batch.refresh_from_db()
    return trouble


# Claiming -----------------------------------------------------------------------------------
def _take(batch: Batch, check: RowCheck, *, again: bool) -> list[Job]:
    """Claim rows and commit their tasks' rows, before anything is called."""
    with transaction.atomic():
        rows = BatchRow.objects.take(batch, ROUND, again=again)
        keys = {batch.submission_of(row.number): row for row in rows}
        known = {
            sent.submission: sent for sent in SentTask.objects.filter(submission__in=list(keys))
        }
        jobs = [
            _job_again(row, known[key]) if key in known else _job(batch, check, row)
            for key, row in keys.items()
        ]
        tasks = [job.sent for job in jobs if job.sent]
        SentTask.objects.bulk_create([sent for sent in tasks if sent.pk is None])
    _look(jobs)
    return jobs


def _job(batch: Batch, check: RowCheck, row: BatchRow) -> Job:
    try:
        draft, random_name = check.draft(row.number, row.values)
    except ValidationError as error:  # settings have changed since the dry run
        said = error.message_dict.items()
        faults = [[field, inert.visible(texts[0])] for field, texts in said]
        return Job(row, None, state=ROW.FAILED, faults=faults)
    sent = SentTask(
        submission=batch.submission_of(row.number),
        random_name=random_name,
        created_by_id=batch.created_by_id,
        batch=batch,
        **SentTask.values_of(draft),
    )
    return Job(row, sent)


def _job_again(row: BatchRow, sent: SentTask) -> Job:
    """Return the job of a row that was tried before; nothing is sent that has arrived since."""
    if sent.answer == ANSWER.CREATED:
        return Job(row, sent, state=ROW.SENT)
    if sent.answer == ANSWER.REFUSED:
        sent.answer, sent.state, sent.created_at = ANSWER.PENDING, "unknown", timezone.now()
        sent.answer_text, sent.ended_at = "", None
        sent.save(update_fields=["answer", "answer_text", "state", "created_at", "ended_at"])
        return Job(row, sent)
    return Job(row, sent, again=True)


def _look(jobs: list[Job]) -> None:
    """Find out what became of rows whose name can be free again: they are not sent again."""
    for job in jobs:
        if job.sent and job.again and not job.state and not job.sent.is_young:
            job.state, job.text = _found_out(job.sent)


def _found_out(sent: SentTask) -> tuple[str, str]:
    trouble = refresh([sent])
    if sent.answer == ANSWER.CREATED:
        return ROW.SENT, ""
    if trouble:
        return ROW.LOST, trouble
    return ROW.UNCLEAR, "Its answer was lost, and by now it cannot be told whether it was sent."


# Calling ------------------------------------------------------------------------------------
def _send(jobs: list[Job], seconds: float) -> None:
    # Whoever was held up for longer than the lease leaves the rows to those who have them now.
    now = timezone.now()
    jobs = [job for job in jobs if job.row.taken_until and now < job.row.taken_until]
    drafts = [job.sent.draft for job in jobs if job.sent]
    if not drafts:
        return
    for job, error in zip(jobs, gateway.create_tasks(drafts, seconds), strict=True):
        job.text = inert.visible(str(error)) if error else ""
        job.state = _state(job, error)


def _state(job: Job, error: GatewayError | None) -> str:
    """Return what a row is after this answer to its call."""
    if error is None:
        return ROW.SENT
    if isinstance(error, UnknownOutcome):
        return ROW.LOST
    if isinstance(error, Refused) and error.status == "ALREADY_EXISTS":
        if job.sent and job.sent.random_name:
            return ROW.SENT
        return _found_out_named(job) if job.again else ROW.FAILED
    if isinstance(error, Unreachable | NoCredentials) or _is_quota(error):
        return ROW.LOST if job.again else ROW.LEFT
    # A queue may be gone, with all its tasks, since an earlier try has made one.
    sure = isinstance(error, Refused) and error.status == "INVALID_ARGUMENT"
    return ROW.UNCLEAR if job.again and not sure else ROW.FAILED


def _found_out_named(job: Job) -> str:
    """Tell whether the task of a name that was typed is ours, from an earlier try."""
    assert job.sent  # noqa: S101
    state, text = _found_out(job.sent)
    job.text = text or job.text
    return state


def _is_quota(error: GatewayError) -> bool:
    quota = isinstance(error, Refused) and error.status == "RESOURCE_EXHAUSTED"
    return quota and "larger than max" not in str(error)


# Keeping ------------------------------------------------------------------------------------
def _keep(batch: Batch, jobs: list[Job]) -> str:
    """Commit what came of the rows that are still ours; return what is in the way of all."""
    with transaction.atomic():
        ours = BatchRow.objects.select_for_update().filter(claim=jobs[0].row.claim)
        mine = set(ours.values_list("pk", flat=True))
        done = [job for job in jobs if job.row.pk in mine and job.state]
        _keep_rows(batch, done)
        _keep_tasks(done)
    return _trouble(batch, done)


def _keep_rows(batch: Batch, jobs: list[Job]) -> None:
    groups: dict[tuple[str, str], list[Job]] = defaultdict(list)
    for job in jobs:
        if job.state in (ROW.FAILED, ROW.UNCLEAR) and not job.faults:
            job.faults = [["", job.text]]
        groups[job.state, repr(job.faults)].append(job)
    for (state, _), same in groups.items():
        sets = {"values": ""} if state == ROW.SENT else {}
        BatchRow.objects.filter(pk__in=[job.row.pk for job in same]).update(
            state=state, claim="", faults=same[0].faults, **sets
        )
    counted = [job.state for job in jobs if job.state in BatchRow.COUNTED]
    if counted:
        Batch.objects.filter(pk=batch.pk).update(
            **{state: F(state) + counted.count(state) for state in set(counted)}
        )


def _keep_tasks(jobs: list[Job]) -> None:
    answers = {
        ROW.SENT: ANSWER.CREATED,
        ROW.FAILED: ANSWER.REFUSED,
        ROW.LEFT: ANSWER.REFUSED,
    }
    groups: dict[tuple[str, str, str, bool], list[SentTask]] = defaultdict(list)
    for job in jobs:
        sent = job.sent
        if sent is None or sent.answer == ANSWER.CREATED:
            continue
        sent.answer = answers.get(ROW(job.state), ANSWER.UNKNOWN)
        sent.answer_text = "" if job.state == ROW.SENT else job.text
        judge(sent, exists=True if job.state == ROW.SENT else None, events=[])
        ended = bool(sent.ended_at)
        groups[sent.answer, sent.answer_text, sent.state, ended].append(sent)
    for (answer, text, state, _), same in groups.items():
        # A page may have asked about them meanwhile, and knows better.
        rows = SentTask.objects.filter(pk__in=[sent.pk for sent in same])
        rows.exclude(answer=ANSWER.CREATED).update(
            answer=answer, answer_text=text, state=state, ended_at=same[0].ended_at
        )


def _trouble(batch: Batch, jobs: list[Job]) -> str:
    """Return why to wait before more; a round that was refused whole stops the batch."""
    waiting = [job for job in jobs if job.state in (ROW.LEFT, ROW.LOST)]
    if waiting:
        return waiting[0].text
    refused = [job for job in jobs if job.state == ROW.FAILED]
    if len(refused) == len(jobs) >= min(ROUND, batch.total) > 1:
        text = refused[-1].faults[0][1] if refused[-1].faults else refused[-1].text
        batch.stop(f"The last {len(refused)} rows were refused, all of them: {text}")
        return text
    return ""
