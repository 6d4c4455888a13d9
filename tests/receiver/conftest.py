"""The receiver with an issuer of its own, and a client that Django treats like a stranger."""

import pytest
from django.test import Client

from receiver import caller
from receiver.certificates import Certificates
from receiver.kept_tokens import KeptTokens
from tests.receiver.issuer import ACCOUNT, AUDIENCE, Issuer


@pytest.fixture
def issuer(settings, monkeypatch):
    found = Issuer()
    settings.OIDC_ISSUER = found.url
    settings.OIDC_CERTS_URL = f"{found.url}/certs"
    settings.OIDC_SERVICE_ACCOUNT = ACCOUNT
    settings.OIDC_AUDIENCES = []
    settings.RECEIVER_URL = AUDIENCE
    settings.RECEIVER_AUTH = "verify"
    monkeypatch.setattr(caller, "certificates", Certificates())
    monkeypatch.setattr(caller, "kept_tokens", KeptTokens())
    yield found
    found.stop()


@pytest.fixture
def client():
    # Django's usual test client is let through where a stranger's POST is not.
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def open_receiver(settings):
    settings.RECEIVER_AUTH = "off"
    settings.RECEIVER_URL = AUDIENCE


@pytest.fixture
def deliver(client, issuer):
    """Post to the receiver as Cloud Tasks does, with a token; `authorization` replaces it."""

    def post(path="/receive", body=b"Hello", *, authorization=None, **headers):
        authorization = authorization or f"Bearer {issuer.token()}"
        return client.post(
            path,
            body,
            content_type="application/octet-stream",
            headers={"Authorization": authorization} | headers,
        )

    return post
