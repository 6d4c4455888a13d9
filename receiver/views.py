"""The HTTP target of Cloud Tasks: caller, body, row, answer, in this order."""

import contextlib
import logging
import socket
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from .body import read_body
from .caller import has_token, identify
from .labels import is_labelled, labels
from .models import Refusal, Reply
from .recorder import StoreAway, record, trouble
from .refusals import ANSWERS, Refused

RETRY_AFTER = "5"
refusals = logging.getLogger("receiver.refusals")


@csrf_exempt
@transaction.non_atomic_requests
def receive(request: HttpRequest) -> HttpResponse:
    """Take one request of any method; 200 means that it is committed as it came.

    The caller is looked at by headers alone: a refused request costs no read of its body.
    """
    received_at = timezone.now()
    try:
        caller = identify(request.META)
        body = read_body(request.META, settings.MAX_BODY_BYTES)
    except Refused as refused:
        return _refusal(request.META, refused)
    try:
        event = record(request.META, body, caller, received_at)
    except StoreAway:
        return _answer(
            request.META, 503, "The database cannot be reached.", {"Retry-After": RETRY_AFTER}
        )
    except Exception as error:
        trouble.error("Could not store a request at all: %s.", type(error).__name__)
        return _answer(request.META, 500, "The request could not be stored.")
    if event.reply:
        return _replied(request.META, event.reply)
    return _answer(request.META, 200, f"Stored as event {event.pk}.")


def _replied(environ: Mapping[str, Any], reply: Reply) -> HttpResponse:
    """Answer as a rule says; the event is committed by now."""
    time.sleep(reply.delay)
    lent = environ.get("gunicorn.socket")
    if reply.drop and lent is not None:
        with contextlib.suppress(OSError):  # the client may be gone already
            lent.shutdown(socket.SHUT_RDWR)
    answer = HttpResponse(reply.content(), status=reply.answered or 500)
    for name, value in reply.header_pairs():
        answer[name] = value
    return answer


def is_delivery(request: HttpRequest) -> bool:
    """Tell whether a request to `/` is the receiver's rather than a person's who looks."""
    if request.method not in {"GET", "HEAD", "OPTIONS"}:
        return True
    return is_labelled(request.META) or has_token(request.META)


def _refusal(environ: Mapping[str, Any], refused: Refused) -> HttpResponse:
    status, sentence = ANSWERS[refused.reason]
    _count(environ, refused)
    headers = {}
    # PEP 3333 leaves this header to the server: Django's development server stops at it, and
    # gunicorn ends a connection by itself whose body is left unread.
    if not str(environ.get("SERVER_SOFTWARE", "")).startswith("WSGIServer"):
        headers["Connection"] = "close"
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        headers["Retry-After"] = RETRY_AFTER
    return _answer(environ, status, sentence, headers)


def _count(environ: Mapping[str, Any], refused: Refused) -> None:
    """Count a refusal, log the first of its kind in a minute; no failure changes the answer."""
    try:
        claimed = labels(environ)
        first = Refusal.objects.count_one(
            refused.reason,
            queue=claimed.queue,
            task=claimed.task,
            account=refused.account,
            audience=refused.audience,
        )
        if first:
            refusals.warning("Refused a request: %s", ANSWERS[refused.reason][1])
    except Exception as error:
        refusals.warning("Could not count a refusal: %s.", type(error).__name__)


def _answer(
    environ: Mapping[str, Any], status: int, sentence: str, headers: dict[str, str] | None = None
) -> HttpResponse:
    return HttpResponse(
        b"" if environ["REQUEST_METHOD"] == "HEAD" else f"{sentence}\n",
        status=status,
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "no-store"} | (headers or {}),
    )
