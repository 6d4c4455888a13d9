"""`manage.py send_batch`: on and on, until nothing is left or somebody stops it."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from dashboard.errors import Refused, Unreachable
from dashboard.management.commands import send_batch
from dashboard.models import Batch
from tests.dashboard.batches import begun, make

pytestmark = pytest.mark.django_db


@pytest.fixture
def waits(monkeypatch):
    """What it waited, in seconds, without waiting."""
    found = []
    monkeypatch.setattr(send_batch.time, "sleep", found.append)
    return found


def run(*arguments):
    out = StringIO()
    call_command("send_batch", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_a_batch_is_sent_to_its_end(cloud, waits):
    cloud.create_tasks.side_effect = lambda drafts, seconds: [None] * len(drafts)
    batch = begun(count="120")
    assert run(batch.pk)[-1] == f"Batch {batch.pk}: 120 sent, 0 failed, 0 left."
    batch.refresh_from_db()
    assert batch.state == "finished"
    assert run(batch.pk) == [f"Batch {batch.pk}: 120 sent, 0 failed, 0 left."]


def test_it_waits_longer_and_longer_while_cloud_tasks_is_away(cloud, waits):
    away = Unreachable("Nobody there.")
    cloud.create_tasks.side_effect = [[away] * 3] * 6 + [[None] * 3]
    batch = begun()
    lines = run(batch.pk)
    assert lines[0] == f"Batch {batch.pk}: 0 sent, 0 failed, 3 left. Nobody there."
    assert lines[-1] == f"Batch {batch.pk}: 3 sent, 0 failed, 0 left."
    assert waits == [1, 2, 4, 8, 15, 15]


def test_it_waits_for_rows_that_others_have(cloud, waits, monkeypatch):
    batch = begun()
    batch.rows.update(state="taken", taken_until="2099-01-01T00:00Z")
    cloud.create_tasks.side_effect = lambda drafts, seconds: [None] * len(drafts)

    def others_die(seconds):
        waits.append(seconds)
        batch.rows.update(taken_until="2026-01-01T00:00Z")

    monkeypatch.setattr(send_batch.time, "sleep", others_die)
    assert run(batch.pk)[-1].endswith("3 sent, 0 failed, 0 left.")
    assert waits == [send_batch.OTHERS]


def test_it_ends_where_the_batch_stops(cloud, waits):
    no = Refused("PERMISSION_DENIED: no", "PERMISSION_DENIED")
    cloud.create_tasks.side_effect = lambda drafts, seconds: [no] * len(drafts)
    batch = begun(count="120")
    with pytest.raises(CommandError, match="Stopped. The last 50 rows were refused"):
        run(batch.pk)
    cloud.create_tasks.side_effect = lambda drafts, seconds: [None] * len(drafts)
    with pytest.raises(CommandError, match="was stopped: resume it on its page, or with --resume"):
        run(batch.pk)
    assert run(batch.pk, "--resume")[-1].endswith("70 sent, 50 failed, 0 left.")


def test_what_was_not_begun_is_not_sent(cloud, waits):
    batch = make()
    with pytest.raises(CommandError, match="has not been begun: press Send on its page first"):
        run(batch.pk)
    assert not cloud.create_tasks.called
    Batch.objects.all().delete()
    with pytest.raises(CommandError, match=f"There is no batch {batch.pk}."):
        run(batch.pk)
