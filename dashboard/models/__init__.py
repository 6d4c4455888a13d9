"""What the dashboard keeps: tasks, batches, saved forms, counts, keys, tries; queues by name."""

from .batch import Batch
from .batch_row import BatchRow
from .log_in_try import LogInTry
from .once import Once
from .queue import Queue
from .sent_task import SAFE_TO_REPEAT, SKEW, SentTask, SentTaskQuerySet
from .tally import Tally, TallyMark, in_ranges
from .template import Template, TemplateQuerySet

__all__ = [
    "SAFE_TO_REPEAT",
    "SKEW",
    "Batch",
    "BatchRow",
    "LogInTry",
    "Once",
    "Queue",
    "SentTask",
    "SentTaskQuerySet",
    "Tally",
    "TallyMark",
    "Template",
    "TemplateQuerySet",
    "in_ranges",
]
