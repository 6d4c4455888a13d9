"""What the dashboard keeps: sent tasks, batches, forms, tries to log in; queues for the admin."""

from .batch import Batch
from .batch_row import BatchRow
from .log_in_try import LogInTry
from .queue import Queue
from .sent_task import SAFE_TO_REPEAT, SKEW, SentTask, SentTaskQuerySet
from .template import Template, TemplateQuerySet

__all__ = [
    "SAFE_TO_REPEAT",
    "SKEW",
    "Batch",
    "BatchRow",
    "LogInTry",
    "Queue",
    "SentTask",
    "SentTaskQuerySet",
    "Template",
    "TemplateQuerySet",
]
