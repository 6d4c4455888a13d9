"""The tokens that requests carry, signed with a key of this emulator's own, made at first start."""

import base64
import hashlib
import json
import os
import re
import tempfile
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .work import Credentials

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

LIFETIME = 3600  # seconds, as Google's
_PEM = re.compile(rb"-----BEGIN PRIVATE KEY-----\s[A-Za-z0-9+/=\s]{1500,}-----END PRIVATE KEY-----")


class SigningKey:
    """An RSA key with its public half in the forms that verifiers ask for.

    It is read when it is first needed: many never send a token, and cryptography takes 7 MB.
    """

    def __init__(self, pem: bytes) -> None:
        self._pem = pem

    @classmethod
    def kept(cls, path: Path) -> "SigningKey":
        """Return the key at `path`, made where there is none; raises ValueError for no key."""
        if not path.exists():
            _write_once(path, _new_pem())
        pem = path.read_bytes()
        if not _PEM.fullmatch(pem.strip()):
            raise ValueError(f"{path} holds no RSA key.")
        return cls(pem)

    @cached_property
    def _private(self) -> "rsa.RSAPrivateKey":
        from cryptography.hazmat.primitives import serialization

        key = serialization.load_pem_private_key(self._pem, password=None)
        return cast("rsa.RSAPrivateKey", key)

    @cached_property
    def id(self) -> str:
        """The key id: the SHA-1 of the public key."""
        return hashlib.sha1(self._public("DER"), usedforsecurity=False).hexdigest()

    @property
    def public_pem(self) -> str:
        """The public key."""
        return self._public("PEM").decode()

    def _public(self, encoding: str) -> bytes:
        from cryptography.hazmat.primitives import serialization

        raw: bytes = self._private.public_key().public_bytes(
            getattr(serialization.Encoding, encoding),
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )
        return raw

    def signed(self, claims: dict[str, Any]) -> str:
        """Return the claims as a JSON Web Token (RFC 7519, RS256)."""
        header = {"alg": "RS256", "kid": self.id, "typ": "JWT"}
        message = b".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        signature = self._private.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return b".".join((message, _base64(signature))).decode()

    def certs(self) -> dict[str, str]:
        """Return key id -> PEM, as Google's /oauth2/v1/certs."""
        return {self.id: self.public_pem}

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the JSON Web Key Set."""
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.id}
        numbers = self._private.public_key().public_numbers()
        return {"keys": [key | {"n": _number(numbers.n), "e": _number(numbers.e)}]}


class Minter:
    """Makes the Authorization header of one attempt, always with a fresh token."""

    def __init__(self, key: SigningKey, issuer: str) -> None:
        self._key = key
        self._issuer = issuer

    def authorization(self, credentials: Credentials) -> str:
        """Return `Bearer` and an OIDC token, or what plainly is no real OAuth token."""
        if credentials.audience is None:
            scope = "+".join(credentials.scope.split())
            return f"Bearer local-oauth-token-of-{credentials.account}-for-{scope}"
        return f"Bearer {self.oidc_token(credentials.account, credentials.audience)}"

    def oidc_token(self, account: str, audience: str) -> str:
        """Return a signed token with the claims of Google's for a service account."""
        now, subject = int(time.time()), account_number(account)
        claims = {
            "aud": audience,
            "azp": subject,
            "email": account,
            "email_verified": True,
            "exp": now + LIFETIME,
            "iat": now,
            "iss": self._issuer,
            "sub": subject,
        }
        return self._key.signed(claims)


def account_number(account: str) -> str:
    """Return the 21-digit number that stands for an account, always the same for the same one."""
    digest = int.from_bytes(hashlib.sha256(account.encode()).digest(), "big")
    return str(10**20 + digest % (9 * 10**20))


def _new_pem() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write_once(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, whole or not at all; whoever comes first wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(draft)


def _number(number: int) -> str:
    return _base64(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode()


def _base64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
