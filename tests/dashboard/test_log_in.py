"""Logging in is limited by account and address; nobody is locked out by others."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import RequestFactory

from dashboard.log_in import address_of
from dashboard.models import LogInTry

pytestmark = pytest.mark.django_db
LIMITED = "Too many tries to log in. Wait 15 minutes"


@pytest.fixture(autouse=True)
def _users(django_user_model):
    for name in ("ann", "ben"):
        django_user_model.objects.create_user(name, password="right", is_staff=True)


def log_in(client, name="ann", password="wrong", address="192.0.2.1"):
    typed = {"username": name, "password": password}
    return client.post("/admin/login/?next=/queues/", typed, REMOTE_ADDR=address)


def refused(answer) -> bool:
    return answer.status_code == 200 and LIMITED in answer.content.decode()


def test_after_five_wrong_passwords_even_the_right_one_is_refused_there_and_nowhere_else(client):
    for _ in range(5):
        answer = log_in(client)
        assert answer.status_code == 200
        assert not refused(answer)
    assert refused(log_in(client))
    assert refused(log_in(client, password="right"))
    assert refused(log_in(client, name="ANN", password="right"))
    assert log_in(client, name="ben", password="right").status_code == 302
    assert log_in(client, password="right", address="192.0.2.2").status_code == 302


def test_after_15_minutes_it_begins_anew(client):
    for _ in range(9):
        log_in(client)
    LogInTry.objects.update(since=datetime.now(UTC) - timedelta(minutes=15, seconds=1))
    assert log_in(client, password="right").status_code == 302
    assert LogInTry.objects.count() == 1  # of the address


def test_one_address_cannot_go_through_many_accounts(client):
    for n in range(50):
        assert not refused(log_in(client, name=f"user-{n}"))
    assert refused(log_in(client, name="ben", password="right"))


def test_a_success_is_not_counted(client):
    for _ in range(60):
        assert log_in(client, password="right").status_code == 302
    for _ in range(4):
        log_in(client)
    assert log_in(client, password="right").status_code == 302
    assert not refused(log_in(client))


def test_an_empty_form_is_no_try(client):
    for _ in range(9):
        log_in(client, password="")
    assert not LogInTry.objects.exists()


def test_the_rows_are_bounded_and_name_nobody(client, monkeypatch):
    monkeypatch.setattr(type(LogInTry.objects), "KEPT", 10)
    for n in range(20):
        log_in(client, address=f"192.0.2.{n}")
    assert LogInTry.objects.count() == 10
    assert not [row for row in LogInTry.objects.all() if "ann" in row.key or "192.0" in row.key]


@pytest.mark.parametrize(
    ("in_cloud", "header", "address"),
    [
        (False, "203.0.113.9", "192.0.2.1"),
        (True, "203.0.113.9", "203.0.113.9"),
        (True, "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        (True, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (True, "nonsense", "nonsense"),
    ],
)
def test_the_address_is_the_caller_s_own(settings, in_cloud, header, address):
    settings.IN_CLOUD = in_cloud
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=header)
    assert address_of(request) == address
