"""Who sent a request: the OIDC token's signature and claims, by headers alone.

One code checks Google's tokens and the emulator's: only the issuer and where its certificates
are differ. Nothing of a token, and no library's error text about it, leaves this module but the
account and the audience.
"""

import base64
import json
import re
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from google.auth import crypt, jwt

from .certificates import Certificates, Unreachable
from .claims import (
    check_claims,
    check_issuer,
    check_numbers,
    claimed,
    is_admitted_anywhere,
    is_current,
    validity,
)
from .kept_settings import kept_settings
from .kept_tokens import Caller as Caller
from .kept_tokens import KeptTokens, Token
from .models import Event
from .refusals import Reason, Refused

_HEADER_CHARACTERS = 8192
_BEARER = re.compile(r"(?i:bearer) +([\w-]+\.[\w-]+\.[\w-]*)", re.ASCII)
_REMOVED = ".SIGNATURE_REMOVED_BY_GOOGLE"

certificates = Certificates()
kept_tokens = KeptTokens()


class WouldWait(Exception):
    """The issuer has to be asked first, which takes up to three seconds."""


def identify(environ: Mapping[str, Any], *, at_once: bool = False) -> Caller:
    """Return the caller by the mode of RECEIVER_AUTH; raises Refused. Reads no body.

    With `at_once` it raises WouldWait where the issuer must be asked for its keys first.
    """
    mode = kept_settings().receiver_auth
    if mode == "off":
        return Caller()
    authorization = _authorization(environ, behind_iam=mode == "iam")
    known = kept_tokens.get(authorization)
    if known and _holds(known):
        return known.caller
    written = _token(authorization)
    token = known or _parts(written)
    try:
        if mode == "iam":
            check_issuer(token.claims)
            pem, check = token.pem, Event.Check.IAM
        else:
            pem, check = _signed(written, token, at_once), Event.Check.VERIFIED
        check_claims(token.claims, environ)
    except Refused as refused:
        raise Refused(refused.reason, *token.claimed) from None
    caller = Caller(*token.claimed, check)
    everywhere = kept_settings() if is_admitted_anywhere(token.claims["aud"]) else None
    checked = (pem, caller, validity(token.claims), everywhere)
    kept_tokens.keep(authorization, Token(token.header, token.claims, token.claimed, *checked))
    return caller


def _holds(known: Token) -> bool:
    """Tell whether nothing has changed of what a token was admitted by before."""
    settings = kept_settings()
    if known.settings is not settings or not known.valid[0] <= time.time() <= known.valid[1]:
        return False
    if settings.receiver_auth == "iam":
        return True
    return known.pem == certificates.current(settings.oidc_certs_url, known.header["kid"])


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
        header, payload, _ = token.split(".")
        claims = json.loads(_decoded(payload).decode())
        return Token(_header(header), claims, claimed(claims))
    except Exception:  # a nested bomb raises RecursionError, odd padding binascii's own error
        raise Refused(Reason.MALFORMED) from None


@lru_cache(maxsize=16)
def _header(part: str) -> dict[str, Any]:
    """Return what a token's first part says: the same for all that one key signs."""
    return dict(jwt.decode_header(f"{part}.e30."))


def _signed(written: str, token: Token, at_once: bool) -> str:
    """Return the key that the token's signature matches; raises Refused."""
    if token.pem and token.pem == certificates.current(
        kept_settings().oidc_certs_url, token.header["kid"]
    ):
        check_issuer(token.claims)
        return token.pem  # nothing else than key and setting could have changed
    if written.endswith(_REMOVED):
        raise Refused(Reason.SIGNATURE_REMOVED)
    kid = token.header.get("kid")
    if token.header.get("alg") != "RS256" or not isinstance(kid, str) or not kid:
        raise Refused(Reason.KEY)
    # Before the certificates: a foreign token is no reason to ask our issuer for its keys.
    check_issuer(token.claims)
    check_numbers(token.claims)
    pem = _key(kid, at_once)
    signed, _, signature = written.rpartition(".")
    try:
        matches = _verifier(pem).verify(signed, _decoded(signature))
    except ValueError:
        raise Refused(Reason.MALFORMED) from None
    if not matches:
        # A token that is too old is named so, whoever signed it: nobody has to mend its signature.
        raise Refused(Reason.SIGNATURE if is_current(token.claims) else Reason.EXPIRED)
    return pem


@lru_cache(maxsize=16)
def _verifier(pem: str) -> crypt.RSAVerifier:
    """Return what checks signatures with a certificate: to read one costs a third of a check."""
    return crypt.RSAVerifier.from_string(pem)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _key(kid: str, at_once: bool) -> str:
    url = kept_settings().oidc_certs_url
    if at_once and certificates.would_ask(url, kid):
        raise WouldWait
    try:
        pem = certificates.get(url, kid)
    except Unreachable:
        raise Refused(Reason.KEYS_UNREACHABLE) from None
    if pem is None:
        raise Refused(Reason.KEY)
    return pem
