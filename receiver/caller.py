"""Who sent a request: the OIDC token's signature and claims, by headers alone.

One code checks Google's tokens and the emulator's: only the issuer and where its certificates
are differ. Nothing of a token, and no library's error text about it, leaves this module but the
account and the audience.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from google.auth import jwt

from . import text
from .certificates import Certificates, Unreachable
from .headers import raw_path, raw_query
from .kept_tokens import KeptTokens, Token
from .masking import masked_url
from .models import Event
from .refusals import Reason, Refused

SKEW = 10
LIFETIME = 3700
_LAST_INSTANT = 1e12
_HEADER_CHARACTERS = 8192
_BEARER = re.compile(r"(?i:bearer) +([\w-]+\.[\w-]+\.[\w-]*)", re.ASCII)
_REMOVED = ".SIGNATURE_REMOVED_BY_GOOGLE"
_GOOGLE = {"https://accounts.google.com", "accounts.google.com"}

certificates = Certificates()
kept_tokens = KeptTokens()


class WouldWait(Exception):
    """The issuer has to be asked first, which takes up to three seconds."""


@dataclass(frozen=True)
class Caller:
    """Who sent a request, and how that is known."""

    account: str = ""
    audience: str = ""
    check: Event.Check = Event.Check.NONE


def identify(environ: Mapping[str, Any], *, at_once: bool = False) -> Caller:
    """Return the caller by the mode of RECEIVER_AUTH; raises Refused. Reads no body.

    With `at_once` it raises WouldWait where the issuer must be asked for its keys first.
    """
    mode = settings.RECEIVER_AUTH
    if mode == "off":
        return Caller()
    written = _token(_authorization(environ, behind_iam=mode == "iam"))
    kept = kept_tokens.get(written)
    token = kept or _parts(written)
    try:
        if mode == "iam":
            _check_issuer(token.claims)
            check = Event.Check.IAM
        else:
            token = _signed(written, token, at_once)
            check = Event.Check.VERIFIED
        _check_claims(token.claims, environ)
    except Refused as refused:
        raise Refused(refused.reason, *token.claimed) from None
    if token is not kept:
        kept_tokens.keep(written, token)
    return Caller(*token.claimed, check)


def has_token(environ: Mapping[str, Any]) -> bool:
    """Tell whether a bearer token is there, of whatever worth.

    X-Serverless-Authorization is no sign of a delivery: Cloud Tasks cannot send it, while a
    proxy that lets a person into a private service does.
    """
    return str(environ.get("HTTP_AUTHORIZATION", "")).lower().startswith("bearer ")


def _authorization(environ: Mapping[str, Any], *, behind_iam: bool) -> str:
    """Return the header that counts: Cloud Run checks X-Serverless-Authorization before the other.

    Two that differ are refused: the one that was checked might not be the one that is believed.
    """
    plain = str(environ.get("HTTP_AUTHORIZATION") or "")
    checked = str(environ.get("HTTP_X_SERVERLESS_AUTHORIZATION") or "") if behind_iam else ""
    if checked and plain and checked != plain:
        raise Refused(Reason.MALFORMED)
    return checked or plain


def _token(authorization: str) -> str:
    if not authorization:
        raise Refused(Reason.MISSING)
    found = None
    if len(authorization) <= _HEADER_CHARACTERS:
        found = _BEARER.fullmatch(authorization)
    if not found:
        raise Refused(Reason.MALFORMED)
    return found[1]


def _parts(token: str) -> Token:
    """Return a token's header and claims, unchecked."""
    try:
        claims = dict(jwt.decode(token, verify=False))
        return Token(dict(jwt.decode_header(token)), claims, _claimed(claims))
    except Exception:  # a nested bomb raises RecursionError, odd padding binascii's own error
        raise Refused(Reason.MALFORMED) from None


def _signed(written: str, token: Token, at_once: bool) -> Token:
    """Return the token with the key that its signature matches; raises Refused."""
    if token.pem and token.pem == certificates.current(
        settings.OIDC_CERTS_URL, token.header["kid"]
    ):
        _check_issuer(token.claims)
        return token  # nothing else than key and setting could have changed
    if written.endswith(_REMOVED):
        raise Refused(Reason.SIGNATURE_REMOVED)
    kid = token.header.get("kid")
    if token.header.get("alg") != "RS256" or not isinstance(kid, str) or not kid:
        raise Refused(Reason.KEY)
    # Before the certificates: a foreign token is no reason to ask our issuer for its keys.
    _check_issuer(token.claims)
    _check_numbers(token.claims)
    pem = _key(kid, at_once)
    try:
        jwt.decode(written, certs={kid: pem}, clock_skew_in_seconds=SKEW)
    except Exception:
        # The library looks at the signature first, so that times in order mean a wrong signature.
        reason = Reason.SIGNATURE if _is_current(token.claims) else Reason.EXPIRED
        raise Refused(reason) from None
    return replace(token, pem=pem)


def _key(kid: str, at_once: bool) -> str:
    url = settings.OIDC_CERTS_URL
    if at_once and certificates.would_ask(url, kid):
        raise WouldWait
    try:
        pem = certificates.get(url, kid)
    except Unreachable:
        raise Refused(Reason.KEYS_UNREACHABLE) from None
    if pem is None:
        raise Refused(Reason.KEY)
    return pem


def _check_claims(claims: dict[str, Any], environ: Mapping[str, Any]) -> None:
    _check_numbers(claims)
    audience, account = claims.get("aud"), claims.get("email")
    if not isinstance(audience, str) or not _is_admitted(audience, environ):
        raise Refused(Reason.AUDIENCE)
    if not _is_current(claims):
        raise Refused(Reason.EXPIRED)
    admitted = settings.OIDC_SERVICE_ACCOUNT
    if claims.get("email_verified") is not True or not admitted or account != admitted:
        raise Refused(Reason.ACCOUNT)


def _check_issuer(claims: dict[str, Any]) -> None:
    issuer = settings.OIDC_ISSUER
    admitted = _GOOGLE if issuer in _GOOGLE else {issuer}
    if not isinstance(claims.get("iss"), str) or claims["iss"] not in admitted:
        raise Refused(Reason.ISSUER)


def _check_numbers(claims: dict[str, Any]) -> None:
    if not all(_is_number(claims.get(name)) for name in ("iat", "exp")):
        raise Refused(Reason.MALFORMED)


def _is_number(value: object) -> bool:
    # NaN compares false with everything, so that a library finds nothing wrong with it.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 <= value < _LAST_INSTANT


def _is_current(claims: dict[str, Any]) -> bool:
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


def _claimed(claims: dict[str, Any]) -> tuple[str, str]:
    """Account and audience as they may be saved: escaped, cut, secrets of the query masked."""
    account, audience = claims.get("email"), claims.get("aud")
    return (
        text.escaped(account)[:320] if isinstance(account, str) else "",
        text.escaped(masked_url(audience))[:2083] if isinstance(audience, str) else "",
    )
