"""What a token must claim to be this receiver's own, whoever signed it."""

import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from . import text
from .headers import raw_path, raw_query
from .masking import masked_url
from .refusals import Reason, Refused

SKEW = 10
LIFETIME = 3700
_LAST_INSTANT = 1e12
_GOOGLE = {"https://accounts.google.com", "accounts.google.com"}


def check_claims(claims: dict[str, Any], environ: Mapping[str, Any]) -> None:
    """Raise Refused unless audience, times and account are right for this request."""
    check_numbers(claims)
    audience, account = claims.get("aud"), claims.get("email")
    if not isinstance(audience, str) or not _is_admitted(audience, environ):
        raise Refused(Reason.AUDIENCE)
    if not is_current(claims):
        raise Refused(Reason.EXPIRED)
    admitted = settings.OIDC_SERVICE_ACCOUNT
    if claims.get("email_verified") is not True or not admitted or account != admitted:
        raise Refused(Reason.ACCOUNT)


def check_issuer(claims: dict[str, Any]) -> None:
    """Raise Refused unless the token is OIDC_ISSUER's."""
    issuer = settings.OIDC_ISSUER
    admitted = _GOOGLE if issuer in _GOOGLE else {issuer}
    if not isinstance(claims.get("iss"), str) or claims["iss"] not in admitted:
        raise Refused(Reason.ISSUER)


def check_numbers(claims: dict[str, Any]) -> None:
    """Raise Refused unless the times are numbers that can be compared."""
    if not all(_is_number(claims.get(name)) for name in ("iat", "exp")):
        raise Refused(Reason.MALFORMED)


def _is_number(value: object) -> bool:
    # NaN compares false with everything, so that a library finds nothing wrong with it.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 <= value < _LAST_INSTANT


def is_current(claims: dict[str, Any]) -> bool:
    """Tell whether a token is valid now, and not for longer than Google's are."""
    now, begins = time.time(), claims.get("nbf", claims["iat"])
    return (
        _is_number(begins)
        and max(begins, claims["iat"]) - SKEW <= now <= claims["exp"] + SKEW
        and claims["exp"] - claims["iat"] <= LIFETIME
    )


def _is_admitted(audience: str, environ: Mapping[str, Any]) -> bool:
    """Tell whether an audience is this receiver, by the settings or by the request's own URL.

    Cloud Tasks signs for the task's full URL where the task names none, so the request's path
    counts too; the host comes from the settings, for the Host header is the sender's.
    """
    base = settings.RECEIVER_URL.rstrip("/")
    if audience.removesuffix("/") == base or audience in settings.OIDC_AUDIENCES:
        return True
    # RECEIVER_URL may name a path of the receiver itself; the request's own begins at the root.
    target = "/".join(base.split("/", 3)[:3]) + raw_path(environ)
    return audience in (target, f"{target}?{raw_query(environ)}")


def claimed(claims: dict[str, Any]) -> tuple[str, str]:
    """Return account and audience as they may be saved: escaped, cut, secrets masked."""
    account, audience = claims.get("email"), claims.get("aud")
    return (
        text.escaped(account)[:320] if isinstance(account, str) else "",
        text.escaped(masked_url(audience))[:2083] if isinstance(audience, str) else "",
    )
