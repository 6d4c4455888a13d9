"""What became of a task: the one rule, as a table."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.states import Known, state_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON, BEFORE = NOW + timedelta(minutes=5), NOW - timedelta(minutes=5)


@pytest.mark.parametrize(
    ("known", "state", "ended"),
    [
        # answer refused: there is no task
        ({"answer": "refused", "exists": None}, "", True),
        # it is there
        ({"exists": True}, "waiting", False),
        ({"exists": True, "schedule_time": BEFORE}, "waiting", False),
        ({"exists": True, "schedule_time": SOON}, "scheduled", False),
        ({"exists": True, "dispatch_count": 1}, "waiting", False),
        ({"exists": True, "dispatch_count": 1, "response_count": 1}, "retrying", False),
        ({"exists": True, "dispatch_count": 2}, "retrying", False),
        ({"exists": True, "dispatch_count": 1, "schedule_time": SOON}, "waiting", False),
        # it is there and a 2xx was given: gone in a moment, unless the answer was lost
        ({"exists": True, "dispatch_count": 1, "succeeded_as": 1}, "done", False),
        ({"exists": True, "dispatch_count": 2, "succeeded_as": 1}, "retrying", False),
        # it is gone
        ({"exists": False, "succeeded_as": 1}, "done", True),
        ({"exists": False, "succeeded_as": 1, "failed": 3}, "done", True),
        ({"exists": False, "failed": 3}, "gave up", True),
        ({"exists": False, "schedule_time": SOON}, "cancelled", True),
        ({"exists": False, "schedule_time": BEFORE}, "not arrived", True),
        ({"exists": False}, "not arrived", True),
        ({"exists": False, "ours": False}, "unknown", True),
        # gone before its time: deleted, unless somebody may have run it early
        ({"exists": False, "ours": False, "schedule_time": SOON}, "unknown", True),
        ({"exists": False, "refused": True, "schedule_time": SOON}, "not arrived", True),
        # the answer was lost
        ({"answer": "unknown", "exists": True}, "waiting", False),
        ({"answer": "unknown", "exists": False}, "unknown", False),
        ({"answer": "pending", "exists": False}, "unknown", False),
        ({"answer": "unknown", "exists": False, "too_late": True}, "unknown", True),
        ({"answer": "pending", "exists": False, "too_late": True}, "unknown", True),
        ({"answer": "unknown", "exists": None, "too_late": True}, "unknown", False),
        ({"exists": True, "too_late": True}, "waiting", False),
        ({"answer": "unknown", "exists": False, "failed": 1}, "gave up", True),
        ({"answer": "unknown", "exists": None, "succeeded_as": 1}, "done", True),
        # Cloud Tasks cannot be asked: what was known stays, unless an event says more
        ({"exists": None}, "unknown", False),
        ({"exists": None, "schedule_time": SOON, "before": "retrying"}, "retrying", False),
        ({"exists": None, "schedule_time": SOON, "before": "scheduled"}, "scheduled", False),
        ({"exists": None, "before": "waiting"}, "waiting", False),
        ({"exists": None, "failed": 1}, "retrying", False),
        ({"exists": None, "succeeded_as": 2}, "done", True),
        ({"answer": "pending", "exists": None, "schedule_time": SOON}, "unknown", False),
    ],
)
def test_the_state_of_a_task(known, state, ended):
    assert state_of(Known(**({"answer": "created", "now": NOW} | known))) == (state, ended)
