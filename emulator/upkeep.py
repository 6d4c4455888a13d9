"""What is put right at the start, when the clock jumps, and once a minute."""

from datetime import timedelta

from django.db.models import Max

from .messages import task_rules
from .models import Attempt, Queue, Task
from .models.task import RETENTION
from .work import Work

ROWS_A_TURN = 1000


def recover(work: Work) -> int:
    """Make tasks that were under way when the emulator was stopped due again at once.

    Their attempts are kept and marked as interrupted. Returns how many there were.
    """
    Attempt.objects.running().interrupt(work.now)
    return Task.objects.release(work.now)


def clamp_retries(work: Work) -> int:
    """Bring retries that a jump of the clock put too far ahead back within the longest backoff.

    A schedule_time set by the task's creator stays. Returns how many were moved.
    """
    moved = 0
    for queue in Queue.objects.live():
        furthest = work.now + queue.max_backoff
        for task in queue.tasks.waiting_to_retry().filter(due_at__gt=furthest).iterator():
            latest = work.now + task_rules(task, queue).max_backoff
            if task.due_at > latest:
                Task.objects.filter(pk=task.pk).update(schedule_time=latest, due_at=latest)
                moved += 1
        work.expect(queue.pk, work.now)
    return moved


def forget_ended(work: Work, keep: timedelta) -> bool:
    """Delete some of what ended longer ago than `keep`; says whether there is more to delete."""
    longest = Queue.objects.aggregate(longest=Max("tombstone_ttl"))["longest"]
    before = work.now - max(keep, longest or keep)
    tasks = Task.objects.exclude(outcome="").filter(ended_at__lt=before)
    old_tasks = list(tasks.values_list("pk", flat=True)[:ROWS_A_TURN])
    Attempt.objects.filter(task__in=old_tasks).delete()
    Task.objects.filter(pk__in=old_tasks).delete()
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
