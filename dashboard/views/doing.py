"""Does an act that was asked for on a page, and says on the next page what came of it."""

import secrets
from collections.abc import Callable

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.http import HttpRequest

from .. import acts
from ..errors import GatewayError, NotFound, UnknownOutcome
from ..models import Once
from .frame import plain


def do(
    request: HttpRequest, entry: LogEntry, act: Callable[[], str | None], done: str, gone: str = ""
) -> bool:
    """Do it and say so; False where it was certainly not done.

    `done` is the sentence, unless the act itself returns one; `gone` goes before a NotFound's.
    """
    try:
        with acts.told(entry):
            said = act()
    except UnknownOutcome as error:
        messages.warning(request, str(error))
        return True
    except GatewayError as error:
        before = gone if isinstance(error, NotFound) else ""
        messages.error(request, f"{before} {error}".strip())
        return False
    messages.success(request, said or done)
    return True


def do_once(
    request: HttpRequest,
    write: Callable[[], LogEntry],
    act: Callable[[], str | None],
    done: str,
    gone: str = "",
) -> None:
    """Do it for the first of all forms with its `key`; it may be done again if it failed.

    `write` makes the entry in the log.
    """
    key = plain(request.POST.get("key"), 200) or secrets.token_hex(16)
    if not Once.objects.claim(key):
        messages.info(request, "That has been done already.")
    elif not do(request, write(), act, done, gone):
        Once.objects.give_back(key)
