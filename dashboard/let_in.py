"""Who was let in a moment ago: a poll that has nothing to say asks neither session nor user again.

Those two take longer than the rest of it, and open pages poll without end.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

COOKIE = "let_in"
SECONDS = 60  # so long after a log-out elsewhere may "nothing new" still be said


def lately(request: HttpRequest) -> bool:
    """Tell whether this session was let in at this address within the last minute.

    It says so by a signed cookie, which is of no use with another session.
    """
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not session:
        return False
    kept = request.get_signed_cookie(COOKIE, None, salt=session, max_age=SECONDS)
    return bool(kept == request.path)


def keep(request: HttpRequest, answer: HttpResponse) -> None:
    """Know this session here for a minute."""
    answer.set_signed_cookie(
        COOKIE,
        request.path,
        salt=request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""),
        max_age=SECONDS,
        path=request.path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
