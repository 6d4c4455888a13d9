"""What every page shares: who may see it, the admin's frame around it, and live parts."""

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.csrf import csrf_failure
from django.views.decorators.cache import never_cache
from django.views.defaults import bad_request, page_not_found

View = Callable[..., HttpResponse]
_SEEN = re.compile(r'(\?|&amp;)seen="')
READ_AWAY, PART = 32 * 2**20, 2**16


def staff(view: View) -> View:
    """Let staff in, send a stranger to the log-in page, refuse anyone else."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if admin.site.has_permission(request):
            return view(request, *args, **kwargs)
        if request.user.is_authenticated:
            raise PermissionDenied("This dashboard is for staff.")
        if "HX-Request" in request.headers and request.method in ("GET", "HEAD"):
            # A poll after the session has ended: the log-in page must not land in a table.
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        if "HX-Request" in request.headers:
            # Beside a form: loading the page anew would lose what is typed in it.
            return render(request, "dashboard/_logged_out.html")
        return redirect_to_login(_after_login(request), login_url="admin:login")

    return never_cache(wrapper)


def _after_login(request: HttpRequest) -> str:
    """Return where to be after logging in: an act is no page, but was pressed on one."""
    return request.get_full_path() if request.method in ("GET", "HEAD") else back(request, "/")


def allowed(*permissions: str) -> Callable[[View], View]:
    """Let those staff in who have these permissions; the others see which they lack."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            need(request, *permissions)
            return view(request, *args, **kwargs)

        return staff(wrapper)

    return decorate


def need(request: HttpRequest, *permissions: str) -> None:
    """Raise PermissionDenied with a sentence that names the first permission that is lacking."""
    for permission in permissions:
        if not request.user.has_perm(permission):
            raise PermissionDenied(f"Your account lacks the permission {permission}.")


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that could not be read: 413 with what to do for a form over the limit."""
    if isinstance(exception, RequestDataTooBig):
        if admin.site.has_permission(request):
            _read_away(request)
        context = {"title": "Too large", "most": settings.DATA_UPLOAD_MAX_MEMORY_SIZE}
        return page(request, "too_large.html", context, status=413)
    return bad_request(request, exception)


def _read_away(request: HttpRequest) -> None:
    """Read what is left of the form: a browser that still sends would not hear the answer."""
    for _ in range(READ_AWAY // PART):
        if not request.read(PART):
            return


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403 inside the frame, with what this account may see beside the reason."""
    context = {"title": "Not allowed", "reason": str(exception)}
    return page(request, "refused.html", context, status=403)


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404: staff inside the frame, so that they find their way; strangers see no frame."""
    if not _is_staff(request):
        return page_not_found(request, exception)
    return page(request, "missing.html", {"title": "Nothing here"}, status=404)


def expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 to a form without its token: it may be another site's, or an old one of ours."""
    if not _is_staff(request):
        return csrf_failure(request, reason)
    return page(request, "expired.html", {"title": "The form has expired"}, status=403)


def _is_staff(request: HttpRequest) -> bool:
    """Tell who looks; where the database cannot, the page is the stranger's."""
    try:
        return admin.site.has_permission(request)
    except DatabaseError:
        return False


def page(
    request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """Render one of our pages inside the admin's frame."""
    frame = admin.site.each_context(request)
    return render(request, f"dashboard/{template}", frame | context, status=status)


def live(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Answer a poll with the part as it is now, or 204 while it is what the reader has.

    The part asks with `seen=` at its URL's end, the digest of what it shows.
    """
    part = live_part(request, template, context)
    if request.GET.get("seen") == part["digest"]:
        return HttpResponse(status=204)
    return HttpResponse(part["html"])


def live_part(request: HttpRequest, template: str, context: dict[str, Any]) -> dict[str, str]:
    """Render a part twice over: its digest is of itself without the digest."""
    bare = render_to_string(f"dashboard/{template}", context | {"digest": ""}, request)
    # The token of a form differs each time; it says nothing about the part.
    text = "".join(line for line in bare.splitlines() if "csrfmiddlewaretoken" not in line)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return {"digest": digest, "html": _SEEN.sub(rf'\1seen={digest}"', bare)}


def whole(text: str | None, most: int = 2**63 - 1) -> int | None:
    """Read a positive whole number from a query string; None where it is none."""
    if text and text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most:
        return int(text)
    return None


def plain(text: str | None, most: int = 1000) -> str:
    """Read a text from a query string: without NUL, which PostgreSQL refuses, and not endless."""
    return (text or "").replace("\0", "\ufffd")[:most]


def back(request: HttpRequest, default: str) -> str:
    """Return the path of the page that an action was started from, if it is one of ours."""
    came_from = request.headers.get("Referer", "")
    if not came_from or not url_has_allowed_host_and_scheme(came_from, {request.get_host()}):
        return default
    path = urlsplit(came_from).path
    # A path of two slashes would be taken for another host.
    return path if path and url_has_allowed_host_and_scheme(path, None) else default
