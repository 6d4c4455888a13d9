"""The receiver as a Django view: for `runserver` and tests. `front.py` is what production runs."""

import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from . import answers
from .answers import Answer
from .body import read_body
from .caller import identify
from .delivery import Delivery
from .refusals import Refused
from .routes import is_delivery_to_root
from .store import store, write_lines
from .turned_away import TurnedAway


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
        turned_away = TurnedAway()
        turned_away.note(request.META, refused)
        turned_away.save()
        return _sent(answers.refusal(refused.reason), request.META)
    delivery = Delivery(request.META, body, caller, received_at)
    store([delivery])
    write_lines([delivery])
    return _sent(delivery.reply(), request.META)


def is_delivery(request: HttpRequest) -> bool:
    """Tell whether a request to `/` is the receiver's rather than a person's who looks."""
    return is_delivery_to_root(request.META)


def _sent(answer: Answer, environ: Mapping[str, Any]) -> HttpResponse:
    time.sleep(answer.delay)
    if answer.drop:  # which WSGI cannot: an error without a body is as near as it comes
        return HttpResponse(status=500, headers={"Cache-Control": "no-store"})
    headers = dict(answer.headers)
    # PEP 3333 leaves this header to the server: Django's development server stops at it.
    if str(environ.get("SERVER_SOFTWARE", "")).startswith("WSGIServer"):
        headers.pop("Connection", None)
    body = b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body
    return HttpResponse(body, status=answer.status, headers=headers)
