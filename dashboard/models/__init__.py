"""What the dashboard keeps: sent tasks, saved forms, keys and tries; queues for the admin."""

from .log_in_try import LogInTry
from .once import Once
from .queue import Queue
from .sent_task import SAFE_TO_REPEAT, SKEW, SentTask, SentTaskQuerySet
from .template import Template, TemplateQuerySet

__all__ = [
    "SAFE_TO_REPEAT",
    "SKEW",
    "LogInTry",
    "Once",
    "Queue",
    "SentTask",
    "SentTaskQuerySet",
    "Template",
    "TemplateQuerySet",
]
