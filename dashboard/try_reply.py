"""Makes one task that a given rule is meant for: each `*` of it stands for some text."""

import re
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from receiver.models import Reply

from . import drafts, names, rules
from .drafts import Draft

_RECEIVED = re.compile(r"/(receive(/.*)?)?")
# What the first `*` of a path is tried with until the path is one that the receiver takes.
_FILLS = ("", "try", "/try", "receive/try", "/receive/try")


def draft(reply: Reply, queues: Iterable[str]) -> Draft:
    """Return a task that the rule matches; `queues` are the ids of those that run.

    Raises ValidationError with the sentence that says why there is none.
    """
    queue = names.queue_name(_queue(reply.queue, list(queues)))
    url = _url(_path(reply.path))
    account = settings.OIDC_SERVICE_ACCOUNT
    found = Draft(
        name=f"{queue}/tasks/{rules.clean_task_id(_task(reply.task))}",
        queue=queue,
        url=url,
        headers=_headers(reply),
        body=f"To try the reply {reply.name}".encode(),
        account=account,
        audience=drafts.audience_for(url) if account else "",
    )
    for fault in drafts.receiver_faults(found).values():
        raise ValidationError(fault)
    return found


def _queue(pattern: str, queues: list[str]) -> str:
    if pattern and "*" not in pattern:
        return pattern
    wanted = re.compile(".*".join(map(re.escape, pattern.split("*")))) if pattern else None
    fitting = [queue for queue in queues if not wanted or wanted.fullmatch(queue)]
    if not fitting:
        raise ValidationError(f"There is no running queue {pattern or 'at all'} to send it to.")
    default = settings.CLOUD_TASKS_QUEUE
    return default if default in fitting else fitting[0]


def _path(pattern: str) -> str:
    if not pattern:
        return "/receive/try"
    for fill in _FILLS:
        path = pattern.replace("*", fill, 1).replace("*", "try")
        if _RECEIVED.fullmatch(path):
            return path
    raise ValidationError(f"No task comes to {pattern}: the receiver is at / and /receive.")


def _url(path: str) -> str:
    base = urlsplit(settings.RECEIVER_URL)
    url = f"{base.scheme}://{base.netloc}{path}"
    if not drafts.under_receiver(url):
        raise ValidationError(f"{path} is not below RECEIVER_URL, {settings.RECEIVER_URL}.")
    return rules.clean_url(url)


def _task(pattern: str) -> str:
    random = secrets.token_hex(8)
    return pattern.replace("*", random, 1).replace("*", "") if pattern else f"try-{random}"


def _headers(reply: Reply) -> list[tuple[str, str]]:
    if not reply.header_name:
        return []
    value = reply.header_value.replace("*", "try") or "try"
    try:
        return rules.clean_headers(f"{reply.header_name}: {value}")
    except ValidationError as error:
        sentence = error.messages[0].removeprefix("Line 1: ")
        raise ValidationError(f"No task can be made with its header. {sentence}") from error
