"""What the dashboard keeps: the tasks sent from here; and what the admin knows of queues."""

from .queue import Queue
from .sent_task import SAFE_TO_REPEAT, SKEW, SentTask, SentTaskQuerySet

__all__ = ["SAFE_TO_REPEAT", "SKEW", "Queue", "SentTask", "SentTaskQuerySet"]
