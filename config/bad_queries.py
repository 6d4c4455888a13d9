"""Query strings that no page can mean: a sentence instead of a database error."""

from collections.abc import Callable

from django.db.utils import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.template.loader import render_to_string

from receiver.views import is_delivery, receive


class BadQueryMiddleware:
    """Answers 400 on the pages where PostgreSQL would refuse a value: NUL, or out of range.

    Deliveries pass: the receiver stores any bytes.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable, args: tuple, kwargs: dict
    ) -> HttpResponse | None:
        machine = view is receive or (request.path_info == "/" and is_delivery(request))
        query = request.META.get("QUERY_STRING", "")
        if not machine and ("%00" in query or "\0" in query or "\0" in request.path_info):
            return _bad("The address holds a NUL character.")
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        # Django's own admin passes on what it cannot turn into a date, too.
        in_admin = request.path_info.startswith("/admin/")
        known = (DataError, OverflowError, ValueError) if in_admin else (DataError, OverflowError)
        if request.method == "GET" and isinstance(error, known):
            return _bad("The address holds a value that the database cannot look for.")
        return None


def _bad(sentence: str) -> HttpResponse:
    return HttpResponseBadRequest(render_to_string("400.html", {"sentence": sentence}))
