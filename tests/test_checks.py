"""Checks of the settings as a whole, and the list of all checks that people read."""

import re
from pathlib import Path

import pytest

from config import checks

ROOT = Path(__file__).parent.parent
ID = re.compile(r"\b(?:config|receiver|dashboard|emulator)\.[EW]\d{3}\b")


def ids(found):
    assert all(message.hint for message in found)
    return [message.id for message in found]


@pytest.fixture
def cloud(settings, monkeypatch):
    """Cloud Run's settings, all in order."""
    settings.IN_CLOUD, settings.SURFACES = True, ["dashboard", "receiver"]
    settings.RECEIVER_URL = "https://tasks.example.com"
    settings.ALLOWED_HOSTS = ["tasks.example.com"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    monkeypatch.setenv("ALLOWED_HOSTS", "tasks.example.com")
    return settings


def test_a_service_in_order(cloud):
    for check in (
        checks.no_faked_front,
        checks.the_dashboard_has_a_name,
        checks.the_receiver_answers_to_its_name,
        checks.origins_have_tls,
        checks.metrics_have_a_door,
    ):
        assert ids(check()) == []


def test_a_host_that_any_client_may_choose(cloud):
    cloud.USE_X_FORWARDED_HOST = True
    assert ids(checks.no_faked_front()) == ["config.E004"]


def test_tls_that_any_client_of_a_laptop_may_claim(cloud):
    cloud.IN_CLOUD = False
    assert ids(checks.no_faked_front()) == ["config.E004"]
    cloud.SECURE_PROXY_SSL_HEADER = None
    assert ids(checks.no_faked_front()) == []


def test_a_dashboard_without_a_name(cloud, monkeypatch):
    cloud.SURFACES = ["dashboard"]
    assert ids(checks.the_dashboard_has_a_name()) == []
    monkeypatch.setenv("ALLOWED_HOSTS", " ")
    assert ids(checks.the_dashboard_has_a_name()) == ["config.W005"]
    cloud.SURFACES = ["dashboard", "receiver"]  # then it has the receiver's
    assert ids(checks.the_dashboard_has_a_name()) == []


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["TASKS.example.com"], []),
        (["*"], []),
        ([".example.com"], []),
        (["example.com", "localhost"], ["config.W006"]),
    ],
)
def test_a_receiver_whose_own_name_is_refused(cloud, hosts, expected):
    cloud.ALLOWED_HOSTS = hosts
    assert ids(checks.the_receiver_answers_to_its_name()) == expected


def test_a_dashboard_alone_need_not_answer_to_the_receiver_s_name(cloud):
    cloud.SURFACES, cloud.ALLOWED_HOSTS = ["dashboard"], ["window.example.com"]
    assert ids(checks.the_receiver_answers_to_its_name()) == []


def test_forms_of_pages_without_tls(cloud):
    cloud.CSRF_TRUSTED_ORIGINS = ["http://localhost:8080", "https://a.example.com"]
    assert ids(checks.origins_have_tls()) == []
    cloud.CSRF_TRUSTED_ORIGINS += ["http://a.example.com"]
    assert ids(checks.origins_have_tls()) == ["config.W007"]
    cloud.IN_CLOUD = False
    assert ids(checks.origins_have_tls()) == []


def test_metrics_that_anybody_may_read(cloud):
    cloud.METRICS, cloud.METRICS_TOKEN, cloud.RECEIVER_AUTH = True, "", "verify"
    assert ids(checks.metrics_have_a_door()) == ["config.W008"]
    cloud.METRICS_TOKEN = "token"
    assert ids(checks.metrics_have_a_door()) == []
    cloud.METRICS_TOKEN, cloud.RECEIVER_AUTH = "", "iam"
    assert ids(checks.metrics_have_a_door()) == []


def test_the_list_of_checks_is_whole_and_none_is_made_up():
    code = "".join(
        path.read_text(encoding="utf-8")
        for app in ("config", "receiver", "dashboard", "emulator")
        for path in (ROOT / app).glob("*checks.py")
    )
    listed = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    in_table = re.findall(r"^\| `([\w.]+)` \|", listed, re.MULTILINE)
    assert sorted(in_table) == sorted(set(ID.findall(code)))
    assert len(in_table) > 30
