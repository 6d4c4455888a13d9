"""Tasks whose answer was lost or not kept, and what is known while Cloud Tasks is away."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError

from dashboard.errors import NotFound, Unreachable
from dashboard.models import SentTask
from dashboard.refresh import refresh
from tests.dashboard.conftest import make_event, make_sent, make_task

pytestmark = pytest.mark.django_db
GONE = NotFound("NOT_FOUND: The task no longer exists", "NOT_FOUND")
TYPED = {"queue": "default", "url": "http://localhost:8080", "submission": "once"}


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def known(sent: SentTask) -> tuple[str, str, bool]:
    sent.refresh_from_db()
    return sent.answer, sent.state, bool(sent.ended_at)


@pytest.mark.parametrize("answer", ["unknown", "pending"])
def test_a_lost_answer_ends_once_it_cannot_be_asked_for_again(admin_client, cloud, answer):
    cloud.get_task.side_effect = GONE
    sent = make_sent(answer=answer, state="unknown", created_at=ago(minutes=51))
    page = admin_client.get(f"/tasks/{sent.pk}/").content.decode()
    assert known(sent) == ("unknown", "unknown", True)
    assert "Cloud Tasks knows no such task and nothing of it has arrived" in page
    assert "Being sent" not in page


def test_a_lost_answer_does_not_end_while_cloud_tasks_is_away(cloud):
    cloud.get_task.side_effect = Unreachable("away")
    sent = make_sent(answer="unknown", state="unknown", created_at=ago(minutes=51))
    refresh([sent])
    assert known(sent) == ("unknown", "unknown", False)


@pytest.fixture
def _database_fails_after_the_call(cloud, monkeypatch):
    """Let the row be made, and its next write fail."""

    def away(*_, **__):
        raise OperationalError("the server closed the connection")

    cloud.create_task.side_effect = lambda *_, **__: monkeypatch.setattr(SentTask, "save", away)
    yield
    monkeypatch.undo()


@pytest.mark.usefixtures("_database_fails_after_the_call")
def test_a_task_whose_answer_could_not_be_kept_leads_to_its_page_and_is_settled_there(
    admin_client, cloud
):
    cloud.get_task.side_effect = lambda name: make_task(name, create_time=datetime.now(UTC))
    answer = admin_client.post("/enqueue/", TYPED)
    sent = SentTask.objects.get()
    assert answer["Location"] == f"/tasks/{sent.pk}/"
    assert sent.answer == "pending"
    page = admin_client.get(answer["Location"]).content.decode()
    assert "Being sent" not in page
    assert known(sent) == ("created", "waiting", False)


def test_an_answer_that_was_not_kept_can_be_asked_for_again(admin_client, cloud):
    cloud.get_task.side_effect = GONE
    sent = make_sent(answer="pending", state="unknown", created_at=ago(seconds=31))
    page = admin_client.get(f"/tasks/{sent.pk}/").content.decode()
    assert known(sent) == ("unknown", "unknown", False)
    assert "The answer was not kept." in page
    assert "Send again under the same name" in page


def test_a_task_that_is_just_being_sent_stays_so(cloud):
    cloud.get_task.side_effect = GONE
    sent = make_sent(answer="pending", state="unknown")
    refresh([sent])
    assert known(sent) == ("pending", "unknown", False)


# Not asked about --------------------------------------------------------------------------
def test_while_cloud_tasks_is_away_an_event_ends_a_task_that_was_not_asked_about(cloud):
    cloud.get_task.side_effect = Unreachable("away")
    asked, arrived, failing = make_sent("a"), make_sent("b"), make_sent("c")
    make_event("b", received_at=datetime.now(UTC))
    make_event("c", status=503, received_at=datetime.now(UTC))
    assert refresh([asked, arrived, failing]) == "away"
    assert cloud.get_task.call_count == 1
    assert known(asked) == ("created", "waiting", False)
    assert known(arrived) == ("created", "done", True)
    assert known(failing) == ("created", "retrying", False)


def test_beyond_the_limit_of_questions_an_event_still_counts(cloud):
    asked, arrived = make_sent("a"), make_sent("b")
    make_event("b", received_at=datetime.now(UTC))
    refresh([asked, arrived], limit=1)
    assert cloud.get_task.call_count == 1
    assert known(arrived) == ("created", "done", True)
