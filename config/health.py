"""`/health`, `/ready` and `/metrics`, answered for any Host before other middleware looks."""

from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.db.utils import Error
from django.http import HttpRequest, HttpResponse

from config.metrics import metrics


class HealthMiddleware:
    """Answers probes: `/health` without the database, `/ready` with it (503 where it is away).

    `/metrics` is answered where METRICS is on.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/health":
            return HttpResponse("ok\n", content_type="text/plain")
        if request.path_info == "/ready":
            return ready()
        if request.path_info == "/metrics" and settings.METRICS:
            return metrics(request)
        return self.get_response(request)


def ready() -> HttpResponse:
    """Return 200 where the database answers, 503 with Retry-After where it does not."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        answer = HttpResponse("database unreachable\n", status=503, content_type="text/plain")
        answer["Retry-After"] = "5"
        return answer
    return HttpResponse("ready\n", content_type="text/plain")
