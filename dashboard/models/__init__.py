"""What the dashboard keeps: sent tasks, saved forms, counts, keys and tries; queues by name."""

from .log_in_try import LogInTry
from .once import Once
from .queue import Queue
from .sent_task import SAFE_TO_REPEAT, SKEW, SentTask, SentTaskQuerySet
from .tally import Tally, TallyMark, in_ranges
from .template import Template, TemplateQuerySet

__all__ = [
    "SAFE_TO_REPEAT",
    "SKEW",
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
