"""What the dashboard keeps: tasks sent from here, tries to log in; and queues for the admin."""

from .log_in_try import LogInTry
from .queue import Queue
from .sent_task import SAFE_TO_REPEAT, SKEW, SentTask, SentTaskQuerySet

__all__ = ["SAFE_TO_REPEAT", "SKEW", "LogInTry", "Queue", "SentTask", "SentTaskQuerySet"]
