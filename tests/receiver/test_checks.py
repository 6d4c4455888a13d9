"""A mistake in the settings is an error with an id and a hint."""

import pytest

from receiver import checks, store_checks

ALL = [
    *[checks.check_caller, checks.check_address, checks.check_replies, checks.check_log],
    checks.check_open_receiver,
    *[store_checks.check_store, store_checks.check_sync, store_checks.check_redirects],
]


class Store:
    """Stands for the connection: its settings cannot be overridden in a running test."""

    vendor = "postgresql"
    settings_dict = {
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {"options": "-c lock_timeout=3000 -c synchronous_commit=on"},
    }


@pytest.fixture
def store(monkeypatch):
    found = Store()
    monkeypatch.setattr(store_checks, "connection", found)
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
    settings.REPLIES = True
    return settings


@pytest.fixture
def cloud(sound):
    """The same for Cloud Run, all in order."""
    sound.IN_CLOUD = True
    sound.RECEIVER_URL = "https://service-1.a.run.app"
    sound.OIDC_ISSUER = "https://accounts.google.com"
    sound.OIDC_CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
    sound.OIDC_SERVICE_ACCOUNT = "tasks@tasks-1234.iam.gserviceaccount.com"
    sound.REPLIES = False
    sound.SECURE_SSL_REDIRECT = True
    sound.SECURE_REDIRECT_EXEMPT = [r"^$", r"^receive(/|$)"]
    return sound


def found():
    messages = [message for check in ALL for message in check()]
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


def test_a_laptop_may_leave_callers_unchecked_but_no_deployment(sound):
    sound.RECEIVER_AUTH, sound.OIDC_SERVICE_ACCOUNT = "off", ""
    assert found() == ["receiver.W015"]  # asked for by check --deploy alone: see the registry


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


@pytest.mark.parametrize("vendor", ["sqlite", "mysql"])
def test_another_store_than_postgresql_in_the_cloud(cloud, store, vendor):
    store.vendor = vendor
    assert found()[0] == "receiver.E006"


def test_requests_as_transactions(sound, store):
    store.settings_dict = store.settings_dict | {"ATOMIC_REQUESTS": True}
    assert found() == ["receiver.E008"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"options": ""},
        {"options": "-c statement_timeout=1"},
        {"options": "-c synchronous_commit=off"},
        {"options": "-c synchronous_commit=on -c synchronous_commit=OFF"},
    ],
)
def test_a_postgresql_that_does_not_wait_for_the_disk(sound, store, options):
    store.settings_dict = store.settings_dict | {"OPTIONS": options}
    assert found() == ["receiver.E011"]


@pytest.mark.parametrize("level", ["on", "local", "remote_write", "remote_apply"])
def test_a_postgresql_that_waits(sound, store, level):
    options = {"options": f"-c synchronous_commit={level}"}
    store.settings_dict = store.settings_dict | {"OPTIONS": options}
    assert found() == []


@pytest.mark.parametrize(
    ("mode", "command", "expected"),
    [
        ("IMMEDIATE", "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", []),
        ("EXCLUSIVE", "PRAGMA synchronous = extra", []),
        ("IMMEDIATE", "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;", ["receiver.E011"]),
        ("IMMEDIATE", "PRAGMA synchronous=OFF", ["receiver.E011"]),
        ("IMMEDIATE", "", ["receiver.E011"]),
        ("DEFERRED", "PRAGMA synchronous=FULL", ["receiver.E011"]),
        (None, "PRAGMA synchronous=FULL", ["receiver.E011"]),
    ],
)
def test_how_sqlite_commits(sound, store, mode, command, expected):
    store.vendor = "sqlite"
    options = {"transaction_mode": mode, "init_command": command}
    store.settings_dict = store.settings_dict | {"OPTIONS": options}
    assert found() == expected


@pytest.mark.parametrize("exempt", [[], [r"^$"], [r"^receive"], [r"^receive$", r"^$"]])
def test_a_redirect_before_the_receiver(cloud, exempt):
    cloud.SECURE_REDIRECT_EXEMPT = exempt
    assert found() == ["receiver.E012"]


def test_another_redirect_before_the_receiver(cloud):
    cloud.PREPEND_WWW = True
    assert found() == ["receiver.E012"]


def test_the_laptop_s_account_in_the_cloud(cloud):
    cloud.OIDC_SERVICE_ACCOUNT = "tasks@demo.iam.gserviceaccount.com"
    assert found() == ["receiver.E013"]


def test_a_log_line_that_would_be_dropped(cloud):
    cloud.LOG_BODY_BYTES = 50_000
    assert found() == []
    cloud.LOG_BODY_BYTES = 50_001
    assert found() == ["receiver.W014"]


def test_replies_in_the_cloud_are_warned_of(cloud):
    cloud.REPLIES = True
    assert found() == ["receiver.W010"]


def test_the_checks_are_registered():
    from django.core.checks.registry import registry

    assert set(ALL) - {checks.check_open_receiver} <= registry.registered_checks
    assert checks.check_open_receiver in registry.deployment_checks
