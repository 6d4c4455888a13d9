"""Resource names as Cloud Tasks spells them: from short ids to full names and back."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError

PROJECT = r"[A-Za-z0-9:.-]{1,100}"
LOCATION = r"[A-Za-z0-9-]{1,60}"
QUEUE = r"[A-Za-z0-9-]{1,100}"
TASK = r"[A-Za-z0-9_-]{1,500}"

_QUEUE_NAME = re.compile(rf"projects/({PROJECT})/locations/({LOCATION})/queues/({QUEUE})")
_TASK_NAME = re.compile(rf"({_QUEUE_NAME.pattern})/tasks/({TASK})")


@dataclass(frozen=True)
class QueueName:
    """A queue's full name, taken apart."""

    project: str
    location: str
    id: str

    def __str__(self) -> str:
        return f"{parent(self.project, self.location)}/queues/{self.id}"


def parent(project: str = "", location: str = "") -> str:
    """Return the location's full name; the settings' project and location where not given."""
    project = project or settings.GOOGLE_CLOUD_PROJECT
    location = location or settings.CLOUD_TASKS_LOCATION
    return f"projects/{project}/locations/{location}"


def queue_name(text: str, location: str = "") -> str:
    """Return the full name of a queue given by its id or its full name.

    Raises ValidationError where it is neither.
    """
    if _QUEUE_NAME.fullmatch(text):
        return text
    if not re.fullmatch(QUEUE, text):
        raise ValidationError(
            "A queue's name has 1 to 100 letters, digits and hyphens (A-Z a-z 0-9 -)."
        )
    if location and not re.fullmatch(LOCATION, location):
        raise ValidationError("A location has letters, digits and hyphens, as us-central1.")
    return f"{parent(location=location)}/queues/{text}"


def split_queue(name: str) -> QueueName:
    """Take a queue's full name apart; raises ValidationError where it is none."""
    if not (match := _QUEUE_NAME.fullmatch(name)):
        raise ValidationError("Not a queue's full name: projects/P/locations/L/queues/Q.")
    return QueueName(*match.groups())


def split_task(name: str) -> tuple[str, str]:
    """Return (queue's full name, task id) of a task's full name; ValidationError if it is none."""
    if not (match := _TASK_NAME.fullmatch(name)):
        raise ValidationError("Not a task's full name: projects/P/locations/L/queues/Q/tasks/T.")
    return match[1], match[5]


def short(name: str) -> str:
    """Return the last part of a resource name."""
    return name.rsplit("/", 1)[-1]
