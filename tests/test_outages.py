"""The database away: pages say so with 503, and a wrong Host is one line in the log."""

import logging
import sys
from unittest import mock

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db.utils import InterfaceError, OperationalError

from config.logs import JsonFormatter, PlainFormatter


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_page_without_its_database_is_a_503_with_a_sentence(admin_client, error):
    with mock.patch("dashboard.figures.tab_counts", side_effect=error("away"), autospec=True):
        answer = admin_client.get("/events/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert b"The database cannot be reached" in answer.content


@pytest.mark.django_db
def test_another_error_stays_one(admin_client):
    broken = mock.patch("dashboard.figures.tab_counts", side_effect=KeyError("x"), autospec=True)
    with broken, pytest.raises(KeyError):
        admin_client.get("/events/")


@pytest.mark.parametrize("formatter", [PlainFormatter(), JsonFormatter()])
def test_a_wrong_host_is_one_line(formatter):
    try:
        raise SuspiciousOperation("evil")
    except SuspiciousOperation:
        name, info = "django.security.DisallowedHost", sys.exc_info()
        record = logging.LogRecord(name, logging.ERROR, "", 0, "Invalid Host: evil", None, info)
        other = logging.LogRecord("other", logging.ERROR, "", 0, "Invalid", None, info)
    assert "Traceback" in formatter.format(other)
    line = formatter.format(record)
    assert "Invalid Host: evil" in line
    assert "Traceback" not in line
    assert "\n" not in line


def test_a_refusal_is_no_line_of_django_s_own(client):
    assert logging.getLogger("django.request").level == logging.ERROR
