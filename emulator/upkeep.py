"""What is put right at the start, when the clock jumps, and once a minute."""

from collections.abc import Set
from datetime import timedelta

from django.db.models import Max

from .messages import task_rules
from .models import Attempt, Queue, Task
from .models.task import RETENTION
from .turns import forget_keys
from .work import Work

ROWS_A_TURN = 1000


def recover(work: Work) -> int:
    """Make tasks that were under way when the emulator was stopped due again at once.

    Their attempts are kept and marked as interrupted. Returns how many there were.
    """
    Attempt.objects.running().interrupt(work.now)
    # A kill may have come between two turns of a DeleteQueue.
    Task.objects.exclude(queue__deleted_at=None).end(Task.Outcome.DELETED, work.now)
    return Task.objects.release(work.now)


def release_lapsed(work: Work, in_flight: Set[int]) -> int:
    """Make leased tasks due again whose lease is over and whose attempt this process has lost.

    The wall clock alone proves nothing: it jumps, while the requests of `in_flight` (keys of
    tasks) go on. Returns how many there were.
    """
    over = dict(Task.objects.leased().filter(due_at__lte=work.now).values_list("pk", "queue"))
    lapsed = [task for task in over if task not in in_flight][:ROWS_A_TURN]
    Attempt.objects.running().filter(task__in=lapsed).interrupt(work.now)
    for task in lapsed:
        work.expect(over[task], work.now)
    return Task.objects.filter(pk__in=lapsed).release(work.now)


def release_lost(work: Work, task: Task) -> None:
    """Make a task due again whose attempt was opened by a commit that nobody learnt of."""
    Attempt.objects.running().filter(task=task).interrupt(work.now)
    if Task.objects.filter(pk=task.pk).release(work.now):
        task.refresh_from_db()
    work.expect(task.queue_id, task.due_at)


def clamp_retries(work: Work) -> int:
    """Bring retries that a jump of the clock put too far ahead back within the longest backoff.

    Tasks that were to run at once, and were made before the clock went back, run at once. A
    schedule_time set by the task's creator stays. Returns how many were moved.
    """
    moved = Task.objects.made_ahead(work.now).update(schedule_time=work.now, due_at=work.now)
    queues = {queue.pk: queue for queue in Queue.objects.live()}
    # No delay is longer than a task is kept, and a date beyond the calendar cannot be had.
    shortest = min((queue.max_backoff for queue in queues.values()), default=RETENTION)
    late = Task.objects.waiting_to_retry().filter(due_at__gt=work.now + min(shortest, RETENTION))
    for task in late.filter(queue__in=Queue.objects.live()).defer("body").iterator():
        latest = work.now + min(task_rules(task, queues[task.queue_id]).max_backoff, RETENTION)
        if task.due_at > latest:
            Task.objects.filter(pk=task.pk).update(schedule_time=latest, due_at=latest)
            moved += 1
    for queue in queues:
        work.expect(queue, work.now)
    return moved


def forget_ended(work: Work, keep: timedelta) -> bool:
    """Delete some of what ended longer ago than `keep`; says whether there is more to delete."""
    longest = Queue.objects.aggregate(longest=Max("tombstone_ttl"))["longest"]
    before = work.now - max(keep, longest or keep)
    tasks = Task.objects.exclude(outcome="").filter(ended_at__lt=before)
    old_tasks = list(tasks.values_list("pk", flat=True)[:ROWS_A_TURN])
    forget_keys(old_tasks)
    attempts = Attempt.objects.filter(ended_at__lt=before)
    old_attempts = list(attempts.values_list("pk", flat=True)[:ROWS_A_TURN])
    Attempt.objects.filter(pk__in=old_attempts).delete()
    return ROWS_A_TURN in (len(old_tasks), len(old_attempts))


def forget_queues(work: Work, rest: timedelta) -> None:
    """Delete the rows of queues whose names have rested for `rest` and whose tasks are gone."""
    gone = Queue.objects.filter(deleted_at__lt=work.now - rest, tasks=None)
    Queue.objects.filter(pk__in=list(gone.values_list("pk", flat=True))).delete()


def end_outlived(work: Work) -> int:
    """End tasks 31 days old, or older than their queue's task_ttl, whether they ran or not."""
    ended = Task.objects.outlived(work.now).end(Task.Outcome.GAVE_UP, work.now)
    for queue in Queue.objects.live().exclude(task_ttl=None):
        oldest = work.now - (queue.task_ttl or RETENTION)
        outlived = queue.tasks.live().filter(create_time__lt=oldest)
        ended += outlived.end(Task.Outcome.GAVE_UP, work.now)
    return ended
