"""Refusals are counted by reason and minute, and bounded in number."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from receiver.models import Refusal, RefusalManager
from receiver.refusals import ANSWERS, Refused
from receiver.turned_away import TurnedAway

pytestmark = pytest.mark.django_db


def count(reason="missing", **claims):
    empty = {"queue": "", "task": "", "account": "", "audience": ""}
    return Refusal.objects.count_more(reason, **(empty | claims))


def at(monkeypatch, instant):
    monkeypatch.setattr("django.utils.timezone.now", lambda: instant)


def test_one_row_a_reason_and_minute_with_the_last_claims(monkeypatch):
    now = timezone.now().replace(second=10)
    at(monkeypatch, now)
    assert count(task="first") is True
    assert count(task="last", queue="q", account="a", audience="b") is False
    row = Refusal.objects.get()
    assert (row.reason, row.count) == ("missing", 2)
    assert row.minute == now.replace(second=0, microsecond=0)
    assert (row.queue, row.task, row.account, row.audience) == ("q", "last", "a", "b")
    assert count("expired") is True
    at(monkeypatch, now + timedelta(minutes=1))
    assert count() is True
    assert Refusal.objects.count() == 3


def test_claims_are_cut():
    count(queue="q" * 1000, task="t" * 1000, account="a" * 1000, audience="u" * 1000)
    row = Refusal.objects.get()
    lengths = [len(value) for value in (row.queue, row.task, row.account, row.audience)]
    assert lengths == [100, 500, 320, 500]


def test_only_the_newest_rows_are_kept(monkeypatch):
    monkeypatch.setattr(RefusalManager, "KEPT", 5)
    now = timezone.now()
    for minutes in range(8):
        at(monkeypatch, now + timedelta(minutes=minutes))
        count(task=f"t{minutes}")
    kept = Refusal.objects.order_by("id").values_list("task", flat=True)
    assert list(kept) == ["t3", "t4", "t5", "t6", "t7"]


def test_a_row_that_another_process_made_meanwhile_is_counted_on(monkeypatch):
    updates = []
    update = Refusal.objects.all().update.__func__

    def late(queryset, **values):
        updates.append(values)
        return update(queryset, **values) if len(updates) > 1 else 0

    count()
    monkeypatch.setattr("django.db.models.query.QuerySet.update", late)
    assert count() is False
    assert Refusal.objects.get().count == 2


def test_a_failing_count_changes_no_answer(client, issuer, monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseError("gone")

    monkeypatch.setattr(RefusalManager, "count_more", fail)
    assert client.post("/receive", b"", content_type="").status_code == 401


def test_too_large_is_counted(deliver, settings):
    settings.MAX_BODY_BYTES = 3
    answer = deliver(body=b"four")
    assert answer.status_code == 413
    assert answer["Connection"] == "close"
    assert Refusal.objects.get().reason == Refusal.Reason.TOO_LARGE


def test_no_header_that_a_development_server_would_stop_at(client, issuer):
    answer = client.post("/receive", b"", content_type="", SERVER_SOFTWARE="WSGIServer/0.2")
    assert answer.status_code == 401
    assert "Connection" not in answer


def test_every_reason_has_an_answer():
    assert set(ANSWERS) == set(Refusal.Reason)
    for status, sentence in ANSWERS.values():
        assert 400 <= status < 600
        assert sentence.endswith(".")


def test_rows_name_themselves():
    assert str(Refusal(reason="missing", count=3)) == "No token: 3"


def test_the_first_of_a_reason_in_a_minute_is_a_line_that_can_be_filtered(caplog):
    turned_away = TurnedAway()
    environ = {"HTTP_X_CLOUDTASKS_QUEUENAME": "q", "HTTP_X_CLOUDTASKS_TASKNAME": "t"}
    for _ in range(3):
        turned_away.note(environ, Refused(Refusal.Reason.AUDIENCE, "canary", "canary"))
        turned_away.save()
    (record,) = caplog.records
    assert record.getMessage() == f"Refused a request: {ANSWERS[Refusal.Reason.AUDIENCE][1]}"
    expected = {"reason": "audience", "status": 401, "claimed_queue": "q", "claimed_task": "t"}
    assert record.fields == expected
