"""The signing key and what it signs."""

import json
import stat

from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from emulator.tokens import Minter, SigningKey, account_number
from emulator.work import Credentials


def test_a_key_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "new" / "emulator-key.pem"
    first, second = SigningKey.kept(path), SigningKey.kept(path)
    assert first.id == second.id
    assert len(first.id) == 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["emulator-key.pem"]


def test_a_token_verifies_against_the_certificates(tmp_path):
    key = SigningKey.kept(tmp_path / "key.pem")
    bearer, token = (
        Minter(key, "http://issuer").authorization(Credentials("a@b.c", "http://aud")).split()
    )
    claims = jwt.decode(token, certs=key.certs(), audience="http://aud")
    assert bearer == "Bearer"
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["azp"] == claims["sub"] == account_number("a@b.c")
    assert (claims["iss"], claims["email"], claims["email_verified"]) == (
        "http://issuer",
        "a@b.c",
        True,
    )
    assert jwt.decode_header(token) == {"alg": "RS256", "kid": key.id, "typ": "JWT"}


def test_an_oauth_token_is_plainly_a_local_one(tmp_path):
    minter = Minter(SigningKey.kept(tmp_path / "key.pem"), "http://issuer")
    credentials = Credentials("a@b.c", None, "https://scope/one two")
    assert minter.authorization(credentials) == (
        "Bearer local-oauth-token-of-a@b.c-for-https://scope/one+two"
    )


def test_the_key_set_holds_the_same_key(tmp_path):
    key = SigningKey.kept(tmp_path / "key.pem")
    (entry,) = json.loads(json.dumps(key.jwks()))["keys"]
    numbers = rsa.RSAPublicNumbers(*(_number(entry[name]) for name in ("e", "n")))
    assert entry["kid"] == key.id
    assert numbers.public_key().key_size == 2048


def _number(text):
    import base64

    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def test_an_account_has_one_number_of_21_digits():
    assert account_number("a@b.c") == account_number("a@b.c") != account_number("b@b.c")
    assert len(account_number("a@b.c")) == 21
