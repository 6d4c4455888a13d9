"""The receiver as most would write it: a Django view, one ORM insert for each request."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from receiver.body import read_body
from receiver.caller import identify
from receiver.recorder import build, write_line


@csrf_exempt
def receive(request: HttpRequest) -> HttpResponse:
    """Verify, insert, print, answer."""
    caller = identify(request.META)
    body = read_body(request.META, settings.MAX_BODY_BYTES)
    event = build(request.META, body, caller, timezone.now())
    event.save(force_insert=True)
    write_line(event)
    said = f"Stored as event {event.pk}.\n".encode()
    return HttpResponse(said, headers={"Content-Length": str(len(said))})


urlpatterns = [path("receive", receive)]
