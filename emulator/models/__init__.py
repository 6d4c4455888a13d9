"""What the emulator remembers: queues, their tasks, every attempt. The rows are the queue."""

from functools import cache

from django.db import router

from .attempt import Attempt
from .lean import DueTask, NewAttempt, NewTask
from .queue import Queue
from .record import CmekConfig, LongOperation, Policy
from .task import Task

__all__ = [
    "Attempt",
    "CmekConfig",
    "DueTask",
    "LongOperation",
    "NewAttempt",
    "NewTask",
    "Policy",
    "Queue",
    "Task",
    "database",
]


@cache
def database() -> str:
    """Return the alias of the database that holds these tables."""
    return router.db_for_write(Task)
