"""The statistics of a queue that v2beta3 shows."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Min

from .models import Attempt, Queue


def fill_stats(message: Any, queue: Queue, now: datetime) -> None:
    """Fill a QueueStats message with what the rows say at this moment."""
    live = queue.tasks.live()
    attempts = Attempt.objects.filter(task__queue=queue)
    message.tasks_count = live.count()
    # Of those that wait by their index, of the others by their attempts: all rows take too long.
    waiting = live.waiting().order_by("due_at").values_list("schedule_time", flat=True).first()
    running = attempts.running().filter(task__outcome="", extra=False)
    times = [waiting, running.aggregate(first=Min("schedule_time"))["first"]]
    if any(times):
        message.oldest_estimated_arrival_time.FromDatetime(min(filter(None, times)))
    answered = attempts.filter(ended_at__gt=now - timedelta(minutes=1), status__isnull=False)
    message.executed_last_minute_count = answered.count()
    message.concurrent_dispatches_count = attempts.running().count()
    message.effective_execution_rate = queue.max_dispatches_per_second
