"""A mistake in the settings is an error with an id and a hint."""

import pytest

from receiver import checks


class Store:
    """Stands for the connection: its settings cannot be overridden in a running test."""

    vendor = "postgresql"
    settings_dict = {"ATOMIC_REQUESTS": False}


@pytest.fixture
def store(monkeypatch):
    found = Store()
    monkeypatch.setattr(checks, "connection", found)
    return found


@pytest.fixture
def sound(settings, store):
    """A laptop's settings, all in order."""
    settings.IN_CLOUD = False
    settings.RECEIVER_AUTH = "verify"
    settings.RECEIVER_URL = "http://localhost:8080"
    settings.OIDC_ISSUER = "http://127.0.0.1:8124"
    settings.OIDC_CERTS_URL = "http://127.0.0.1:8124/certs"
    settings.OIDC_SERVICE_ACCOUNT = "tasks@demo.iam.gserviceaccount.com"
    return settings


@pytest.fixture
def cloud(sound):
    """The same for Cloud Run, all in order."""
    sound.IN_CLOUD = True
    sound.RECEIVER_URL = "https://service-1.a.run.app"
    sound.OIDC_ISSUER = "https://accounts.google.com"
    sound.OIDC_CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
    return sound


def found():
    messages = checks.check_caller() + checks.check_address() + checks.check_store()
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


def test_a_laptop_in_order(sound):
    assert found() == []


def test_the_cloud_in_order(cloud):
    assert found() == []


@pytest.mark.parametrize("mode", ["verify", "iam"])
def test_no_account_is_admitted(sound, mode):
    sound.IN_CLOUD, sound.RECEIVER_AUTH, sound.OIDC_SERVICE_ACCOUNT = False, mode, ""
    assert "receiver.E007" in found()


def test_a_laptop_may_leave_callers_unchecked(sound):
    sound.RECEIVER_AUTH, sound.OIDC_SERVICE_ACCOUNT = "off", ""
    assert found() == []


def test_iam_on_a_laptop_is_warned_of(sound):
    sound.RECEIVER_AUTH = "iam"
    assert found() == ["receiver.W009"]


def test_unchecked_callers_in_the_cloud(cloud):
    cloud.RECEIVER_AUTH = "off"
    assert found() == ["receiver.E001"]


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("http://127.0.0.1:8124", "https://www.googleapis.com/oauth2/v1/certs"),
        ("https://accounts.google.com", "http://127.0.0.1:8124/certs"),
        ("https://accounts.google.com", "http://www.googleapis.com/oauth2/v1/certs"),
        ("https://localhost", "https://localhost/certs"),
        ("https://[::1]", "https://[::1]/certs"),
        ("https://10.0.0.1", "https://10.0.0.1/certs"),
    ],
)
def test_a_local_issuer_in_the_cloud(cloud, issuer, url):
    cloud.OIDC_ISSUER, cloud.OIDC_CERTS_URL = issuer, url
    assert found() == ["receiver.E002"]


def test_googles_issuer_in_its_other_spelling(cloud):
    cloud.OIDC_ISSUER = "accounts.google.com"
    assert found() == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "certs", "ftp://x/certs", "http://", "://"])
def test_certificates_that_are_not_at_a_url(sound, url):
    sound.OIDC_CERTS_URL = url
    assert found() == ["receiver.E003"]


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8080",
        "ftp://localhost",
        "http://",
        "http://user@localhost",
        "http://localhost?x=1",
        "http://localhost#x",
        "http://localhost/dashboard",
        "http://localhost/receiver",
        "http://localhost/receive/../admin",
        "http://localhost:99999",
        "http://local host",
        "http://localhost\\x",
        "http://löcalhost",
    ],
)
def test_an_address_that_is_not_one(sound, url):
    sound.RECEIVER_URL = url
    assert found() == ["receiver.E004"]


@pytest.mark.parametrize("path", ["", "/receive", "/receive/orders"])
def test_addresses_of_this_receiver(sound, path):
    sound.RECEIVER_URL += path
    assert found() == []


@pytest.mark.parametrize(
    "url", ["http://service-1.a.run.app", "https://localhost:8080", "https://127.0.0.1"]
)
def test_an_address_that_cloud_tasks_cannot_reach(cloud, url):
    cloud.RECEIVER_URL = url
    assert found() == ["receiver.E005"]


def test_sqlite_in_the_cloud(cloud, store):
    store.vendor = "sqlite"
    assert found() == ["receiver.E006"]


def test_requests_as_transactions(sound, store):
    store.settings_dict = {"ATOMIC_REQUESTS": True}
    assert found() == ["receiver.E008"]


def test_the_checks_are_registered():
    from django.core.checks.registry import registry

    mine = {checks.check_caller, checks.check_address, checks.check_store}
    assert mine <= registry.registered_checks
