"""Counts for tabs: exact from the tallies, capped where a table would have to be read."""

import pytest

from dashboard import cache, counts, figures, rollup
from receiver.models import Refusal
from tests.dashboard.conftest import make_event, make_sent

pytestmark = pytest.mark.django_db


def test_events_by_outcome_and_by_queue():
    for n in range(5):
        make_event(queue="emails" if n else "default", status=500 if n > 2 else 200)
    assert counts.events_by_outcome() == {"all": "5", "succeeded": "3", "failed": "2"}
    assert counts.events_by_outcome("emails") == {"all": "4", "succeeded": "2", "failed": "2"}
    assert counts.events_by_queue() == {"emails": 4, "default": 1}
    Refusal.objects.create(reason="missing", minute="2026-01-02T03:04Z", count=12_345)
    assert figures.tab_counts()["refusals"] == "12,345"


def test_of_half_made_tallies_nothing_is_said(monkeypatch):
    monkeypatch.setattr(rollup, "SLICE", 2)
    monkeypatch.setattr(counts, "CAP", 4)
    for n in range(6):
        make_event(status=500 if n == 5 else 200)
    rollup.advance()
    assert counts.events_by_outcome() == {"all": "4+", "succeeded": "4+", "failed": "1"}
    cache.clear()
    while rollup.advance():
        pass
    assert counts.events_by_outcome()["all"] == "6"


def test_tasks_by_state():
    for state in ("done", "done", "gave up"):
        make_sent(state=state)
    found = counts.tasks_by_state("all", "done", "gave up", "waiting")
    assert found == {"all": "3", "done": "2", "gave up": "1", "waiting": "0"}
