"""What a token must claim to be this receiver's own, whoever signed it."""

import time
from collections.abc import Mapping
from typing import Any

from . import text
from .headers import raw_path, raw_query
from .kept_settings import kept_settings
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
    if claims["exp"] - claims["iat"] > LIFETIME:
        raise Refused(Reason.LIFETIME)
    admitted = kept_settings().oidc_service_account
    if not admitted or account != admitted:
        raise Refused(Reason.ACCOUNT)
    if claims.get("email_verified") is not True:
        raise Refused(Reason.EMAIL_UNVERIFIED)


def check_issuer(claims: dict[str, Any]) -> None:
    """Raise Refused unless the token is OIDC_ISSUER's."""
    issuer = kept_settings().oidc_issuer
    admitted = _GOOGLE if issuer in _GOOGLE else {issuer}
    if not isinstance(claims.get("iss"), str) or claims["iss"] not in admitted:
        raise Refused(Reason.ISSUER)


def check_numbers(claims: dict[str, Any]) -> None:
    """Raise Refused unless the times are numbers that can be compared."""
    if not (_is_number(claims.get("iat")) and _is_number(claims.get("exp"))):
        raise Refused(Reason.MALFORMED)


def _is_number(value: object) -> bool:
    # NaN compares false with everything, so that a library finds nothing wrong with it.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 <= value < _LAST_INSTANT


def is_current(claims: dict[str, Any]) -> bool:
    """Tell whether a token is valid now, our clock up to 10 seconds off."""
    begins, ends = validity(claims)
    return begins <= time.time() <= ends


def validity(claims: dict[str, Any]) -> tuple[float, float]:
    """Return from when until when a token is valid, our clock up to 10 seconds off."""
    begins = claims.get("nbf", claims["iat"])
    if not _is_number(begins):
        return (1.0, 0.0)
    return max(begins, claims["iat"]) - SKEW, claims["exp"] + SKEW


def _is_admitted(audience: str, environ: Mapping[str, Any]) -> bool:
    """Tell whether an audience is this receiver, by the settings or by the request's own URL.

    Cloud Tasks signs for the task's full URL where the task names none, so the request's path
    counts too; the host comes from the settings, for the Host header is the sender's.
    """
    if is_admitted_anywhere(audience):
        return True
    # RECEIVER_URL may name a path of the receiver itself; the request's own begins at the root.
    base = kept_settings().receiver_url
    target = "/".join(base.split("/", 3)[:3]) + raw_path(environ)
    return audience in (target, f"{target}?{raw_query(environ)}")


def is_admitted_anywhere(audience: str) -> bool:
    """Tell whether an audience is this receiver's for every path."""
    kept = kept_settings()
    ours = kept.receiver_url.rstrip("/")
    return audience.removesuffix("/") == ours or audience in kept.oidc_audiences


def claimed(claims: dict[str, Any]) -> tuple[str, str]:
    """Return account and audience as they may be saved: escaped, cut, secrets masked."""
    account, audience = claims.get("email"), claims.get("aud")
    return (
        text.escaped(account)[:320] if isinstance(account, str) else "",
        text.escaped(masked_url(audience))[:2083] if isinstance(audience, str) else "",
    )
