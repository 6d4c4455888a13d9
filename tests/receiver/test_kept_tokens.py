"""A token is verified once for each key; whatever may change is looked at every time."""

import time

import pytest

from receiver import caller, claims
from receiver.certificates import Certificates
from receiver.kept_tokens import KeptTokens, Token
from tests.receiver.issuer import pem

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(deliver, issuer, monkeypatch):
    """Deliver again with a token that was admitted before and is verified no more."""
    authorization = f"Bearer {issuer.token()}"
    assert deliver(authorization=authorization).status_code == 200
    monkeypatch.setattr(caller, "_parts", None)
    monkeypatch.setattr(caller, "_verifier", None)
    return lambda: deliver(authorization=authorization)


def test_a_token_that_comes_again_is_not_verified_again(kept):
    assert kept().status_code == 200


def test_an_expired_token_is_refused(kept, monkeypatch):
    now = time.time()
    monkeypatch.setattr(claims.time, "time", lambda: now + 3600 + claims.SKEW + 1)
    assert kept().status_code == 401


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("OIDC_SERVICE_ACCOUNT", "other@demo.iam.gserviceaccount.com", 403),
        ("OIDC_ISSUER", "http://127.0.0.1:1", 401),
        ("RECEIVER_URL", "http://elsewhere:8080", 401),
    ],
)
def test_a_setting_that_changed_counts(kept, settings, name, value, status):
    setattr(settings, name, value)
    assert kept().status_code == status


def test_another_key_of_the_same_name_is_checked_with(deliver, issuer, monkeypatch):
    authorization = f"Bearer {issuer.token()}"
    assert deliver(authorization=authorization).status_code == 200
    issuer.certificates = {"kid-1": pem("two")}
    monkeypatch.setattr(caller, "certificates", Certificates())
    assert deliver(authorization=authorization).status_code == 401


def test_a_token_of_iam_is_not_taken_for_a_verified_one(deliver, issuer, settings):
    authorization = f"Bearer {issuer.token(signed_by='two')}"
    settings.RECEIVER_AUTH = "iam"
    assert deliver(authorization=authorization).status_code == 200
    settings.RECEIVER_AUTH = "verify"
    assert deliver(authorization=authorization).status_code == 401


def test_only_admitted_tokens_are_kept_and_by_their_hash_alone(deliver, issuer):
    good, bad = issuer.token(), issuer.token(signed_by="two")
    deliver(authorization=f"Bearer {bad}")
    assert caller.kept_tokens.get(f"Bearer {bad}") is None
    deliver(authorization=f"Bearer {good}")
    assert caller.kept_tokens.get(f"Bearer {good}").pem == pem("one")
    assert good not in repr(vars(caller.kept_tokens))


def test_the_least_used_are_forgotten():
    tokens = KeptTokens(most=2)
    for name in ("a", "b"):
        tokens.keep(name, Token({}, {}, ("", "")))
    assert tokens.get("a")
    tokens.keep("c", Token({}, {}, ("", "")))
    assert [bool(tokens.get(name)) for name in "abc"] == [True, False, True]
