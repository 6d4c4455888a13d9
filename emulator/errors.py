"""Every refusal of the API: the status and the text Cloud Tasks answers, one function each.

Texts are Google's, word for word, where an answer of the real service is on record; the few that
are ours are marked so here and in README. Nothing here knows of gRPC or REST.
"""

from dataclasses import dataclass
from enum import Enum

_DOCS = "https://cloud.google.com/tasks/docs/reference/rest/v2/"
_QUEUE_DOCS = f"{_DOCS}projects.locations.queues#Queue.FIELDS.name"
_TASK_DOCS = f"{_DOCS}projects.locations.queues.tasks#Task.FIELDS.name"
_DEDUPLICATION_DOCS = f"{_DOCS}projects.locations.queues.tasks/create#body.request_body.FIELDS.task"

MOST_SHOWN = 1500  # bytes; valid ids have at most 500


class Code(Enum):
    """The canonical codes used here, by google.rpc.Code number."""

    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    FAILED_PRECONDITION = 9
    ABORTED = 10
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


@dataclass(frozen=True)
class HelpLink:
    """One link of a google.rpc.Help detail."""

    description: str
    url: str


class Refused(Exception):
    """An answer other than success; raised before anything has been written."""

    def __init__(self, code: Code, message: str, help_link: HelpLink | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help_link = help_link


def invalid(message: str, help_link: HelpLink | None = None) -> Refused:
    """INVALID_ARGUMENT with `message`."""
    return Refused(Code.INVALID_ARGUMENT, message, help_link)


# Queues -----------------------------------------------------------------------------------
def queue_name_malformed() -> Refused:
    """The name has not the form of a queue's name."""
    form = "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>"
    return invalid(
        f'Queue name must be formatted: "{form}".',
        HelpLink("Definition of queue name", _QUEUE_DOCS),
    )


def shown(given: str) -> str:
    """Cut what is repeated in an answer: a client takes 8 KiB of status and details, no more."""
    raw = given.encode()
    cut = raw[:MOST_SHOWN].decode(errors="ignore")
    return given if len(raw) <= MOST_SHOWN else f"{cut}..."


def queue_id_invalid(queue_id: str) -> Refused:
    """The id has other characters or another length than allowed (text by analogy)."""
    return invalid(
        f'Queue ID "{shown(queue_id)}" can contain only letters ([A-Za-z]), numbers ([0-9]), '
        "or hyphens (-). Queue ID must between 1 and 100 characters.",
        HelpLink("Definition of queue name", _QUEUE_DOCS),
    )


def location_malformed() -> Refused:
    """The parent is no location (Google answers PERMISSION_DENIED for the project it sees)."""
    return invalid("Invalid resource field value in the request.")


def queue_outside_parent(name: str, parent: str) -> Refused:
    """The queue's name belongs to another location than the request."""
    return invalid(f"{shown(name)} must begin with {shown(parent)}.")


def queue_exists() -> Refused:
    """A queue of that name is there."""
    return Refused(Code.ALREADY_EXISTS, "Queue already exists")


def queue_existed_recently() -> Refused:
    """The name of a deleted queue still rests."""
    return Refused(
        Code.FAILED_PRECONDITION,
        "The queue cannot be created because a queue with this name existed too recently.",
    )


def no_queue() -> Refused:
    """There is no such queue, or it was deleted (every RPC but DeleteQueue)."""
    return Refused(
        Code.NOT_FOUND,
        "Queue does not exist. If you just created the queue, wait at least a minute for the "
        "queue to initialize.",
    )


def not_found() -> Refused:
    """There is nothing of that name (DeleteQueue and the RPCs on one task)."""
    return Refused(Code.NOT_FOUND, "Requested entity was not found.")


def mask_path_unknown(path: str) -> Refused:
    """UpdateQueue's mask names no field of a queue (our text)."""
    return invalid(f"Invalid update mask: '{path}' is not a field of Queue.")


# Tasks ------------------------------------------------------------------------------------
def task_name_malformed() -> Refused:
    """The name has not the form of a task's name."""
    form = "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>"
    return invalid(
        f'Task name must be formatted: "{form}".', HelpLink("Definition of task name", _TASK_DOCS)
    )


def task_id_invalid(task_id: str) -> Refused:
    """The id has other characters or another length than allowed (the grammar is Google's)."""
    return invalid(
        f'Task ID "{shown(task_id)}" can contain only letters ([A-Za-z]), numbers ([0-9]), '
        "hyphens (-), or underscores (_). Task ID must between 1 and 500 characters.",
        HelpLink("Definition of task ID", _TASK_DOCS),
    )


def task_in_another_queue(parent: str, queue: str) -> Refused:
    """The task's name belongs to another queue than the request."""
    return invalid(
        f"The queue name from request ('{shown(parent)}') must be the same as the queue name in "
        f"the named task ('{shown(queue)}')."
    )


def task_exists() -> Refused:
    """A task of that name waits or runs."""
    return Refused(Code.ALREADY_EXISTS, "Requested entity already exists")


def task_existed_recently() -> Refused:
    """A task of that name ended within the time that names rest."""
    return Refused(
        Code.ALREADY_EXISTS,
        "The task cannot be created because a task with this name existed too recently. For more "
        f"information about task de-duplication see {_DEDUPLICATION_DOCS}.",
    )


def task_gone() -> Refused:
    """The task ended a while ago, one way or another."""
    return Refused(
        Code.NOT_FOUND,
        "The task no longer exists, though a task with this name existed recently. The task "
        "either successfully completed or was deleted.",
    )


def schedule_too_far(instant: str) -> Refused:
    """The schedule_time, given as Google writes it (Pacific time), is over 30 days ahead."""
    return invalid(
        f"The Task.scheduleTime, {instant}, is too far in the future. Schedule time must be no "
        "more than 720h in the future."
    )


def token_needs_https() -> Refused:
    """A URL of http:// with a token; checked only where that was asked for."""
    return invalid(
        "HttpRequest.url must start with 'https://' for request with "
        "HttpRequest.authorization_header"
    )


# Everywhere -------------------------------------------------------------------------------
def page_token_invalid() -> Refused:
    """The token is none of ours, or was given for another list (our text)."""
    return invalid("Invalid page token.")


def filter_invalid(reason: str) -> Refused:
    """ListQueues' filter cannot be read, or compares what cannot be compared (our text)."""
    return invalid(f"Invalid filter: {reason}")


def page_size_negative() -> Refused:
    """A negative page_size (our text)."""
    return invalid("Page size cannot be negative.")


def not_served(what: str) -> Refused:
    """Something of the API that this emulator cannot do yet (our text)."""
    return Refused(Code.UNIMPLEMENTED, f"{what} is not served by this emulator yet.")


def store_unavailable() -> Refused:
    """The database cannot be reached; the call may be repeated (our text)."""
    return Refused(Code.UNAVAILABLE, "The emulator's database cannot be reached. Try again.")


def store_busy() -> Refused:
    """Another program has held the database's file for too long (our text)."""
    return Refused(Code.UNAVAILABLE, "The emulator's database is locked by another program.")


def internal() -> Refused:
    """A fault of the emulator, which its log explains (our text)."""
    return Refused(Code.INTERNAL, "The emulator failed on this call; its log says why.")
