"""Which URL belongs to whom; what is served at all is the setting SURFACES."""

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from dashboard.views.overview import overview
from receiver.routes import PATH
from receiver.views import is_delivery, receive


@csrf_exempt
def root(request: HttpRequest) -> HttpResponse:
    """Give `/` to the receiver for deliveries (the tutorial's `--url https://SERVICE`)."""
    return receive(request) if is_delivery(request) else overview(request)


def patterns(surfaces: list[str]) -> list[URLPattern | URLResolver]:
    """Return the URL patterns of a process that serves these surfaces; all others are 404."""
    found: list[URLPattern | URLResolver] = []
    if "receiver" in surfaces:
        found += [re_path(f"^{PATH}", receive, name="receive")]
    if "dashboard" not in surfaces:
        return [*found, path("", receive, name="root")]
    root_view = root if "receiver" in surfaces else overview
    return [
        *found,
        path("", root_view, name="overview"),
        path("", include("dashboard.urls")),
        path("admin/", admin.site.urls),
    ]


urlpatterns = patterns(settings.SURFACES)
if "dashboard" in settings.SURFACES:
    handler400 = "dashboard.views.frame.unreadable"
    handler403 = "dashboard.views.frame.refused"
    handler404 = "dashboard.views.frame.missing"
