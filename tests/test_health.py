"""Probes answer any Host; only `/ready` asks the database."""

from unittest import mock

import pytest
from django.db.utils import OperationalError


def test_health_answers_any_host_without_the_database(client):
    answer = client.get("/health", headers={"host": "10.0.0.1:1234"})
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_ready_answers_any_host_with_the_database(client):
    answer = client.get("/ready", headers={"host": "10.0.0.1:1234"})
    assert (answer.status_code, answer.content) == (200, b"ready\n")


def test_ready_is_503_without_the_database(client):
    with mock.patch("config.health.connection.cursor", side_effect=OperationalError, autospec=True):
        answer = client.get("/ready")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
