"""The tokens that requests carry, signed with a key of this emulator's own, made at first start."""

import base64
import hashlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .work import Credentials

LIFETIME = 3600  # seconds, as Google's


class SigningKey:
    """An RSA key with its public half in the forms that verifiers ask for."""

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self._private = private
        public = private.public_key()
        der = public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.id = hashlib.sha1(der, usedforsecurity=False).hexdigest()
        self._numbers = public.public_numbers()
        self.public_pem = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()

    @classmethod
    def kept(cls, path: Path) -> "SigningKey":
        """Read the key at `path`, made first where there is none; raises ValueError for no key."""
        if not path.exists():
            _write_once(path, _pem(rsa.generate_private_key(65537, 2048)))
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise ValueError(f"{path} holds no RSA key.")
        return cls(private)

    def signed(self, claims: dict[str, Any]) -> str:
        """Return the claims as a JSON Web Token (RFC 7519, RS256)."""
        header = {"alg": "RS256", "kid": self.id, "typ": "JWT"}
        message = b".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
        signature = self._private.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return b".".join((message, _base64(signature))).decode()

    def certs(self) -> dict[str, str]:
        """Return key id -> PEM, as Google's /oauth2/v1/certs."""
        return {self.id: self.public_pem}

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the JSON Web Key Set."""
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.id}
        return {"keys": [key | {"n": _number(self._numbers.n), "e": _number(self._numbers.e)}]}


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


def _pem(private: rsa.RSAPrivateKey) -> bytes:
    return private.private_bytes(
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
