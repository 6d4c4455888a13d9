"""Faults of those who send a batch; a kill test that does not notice them would notice nothing.

They send in small rounds, and take a moment between a call and keeping its answer, so that a kill
falls there.
"""

import secrets
import time

MOMENT = 0.2  # seconds


def none():
    """What is real, as fast as it is."""


def new_names():
    """A row's task gets a new name each time, so that Cloud Tasks cannot tell that it has it."""
    from dashboard import gateway

    real = gateway.task_message

    def task_message(draft):
        return real(draft) | {"name": f"{draft.queue}/tasks/{secrets.token_hex(16)}"}

    gateway.task_message = task_message
    _slow()


def kept_first():
    """A row counts as sent before Cloud Tasks has been called."""
    from dashboard import sending

    real, keep = sending._send, sending._keep

    def send(jobs, seconds):
        for job in jobs:
            job.state = "sent"
        if jobs:
            keep(jobs[0].row.batch, jobs)
        time.sleep(MOMENT)
        real(jobs, seconds)

    sending._send = send
    _slow()


def counted_apart():
    """The counts are not written with the rows that they count."""
    from dashboard import sending
    from dashboard.models import Batch

    real = sending._keep

    def keep(batch, jobs):
        before = Batch.objects.values_list("sent", flat=True).get(pk=batch.pk)
        trouble = real(batch, jobs)
        Batch.objects.filter(pk=batch.pk).update(sent=before)
        time.sleep(MOMENT)
        sent = sum(1 for job in jobs if job.state == "sent")
        Batch.objects.filter(pk=batch.pk).update(sent=before + sent)
        return trouble

    sending._keep = keep
    _slow()


def _slow():
    from dashboard import gateway, sending

    sending.ROUND = 10
    real = gateway.create_tasks

    def create_tasks(drafts, seconds):
        answers = real(drafts, seconds)
        time.sleep(MOMENT)
        return answers

    gateway.create_tasks = create_tasks


FAULTS = {fault.__name__: fault for fault in (none, new_names, kept_first, counted_apart)}
