"""A slice of a batch, against a real Cloud Tasks: committed first, claimed, each row once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard import gateway, sending
from dashboard.errors import Denied, Refused, UnknownOutcome, Unreachable
from dashboard.models import Batch, BatchRow, SentTask
from dashboard.sending import send_slice
from tests.dashboard.batches import ACCOUNT, URL, begun, make
from tests.dashboard.conftest import PARENT


@pytest.fixture
def queue(real_cloud):
    """A paused queue of its own, so that tasks stay to be counted; and how to count them."""
    name = f"{PARENT}/queues/batch-{threading.get_native_id()}-{timezone.now():%H%M%S%f}"
    gateway.create_queue(name, {})
    gateway.pause_queue(name)

    def tasks():
        return {task.id for task in gateway.list_tasks(name, page_size=1000)[0]}

    tasks.id = name.rsplit("/", 1)[1]
    return tasks


@pytest.fixture
def answers(monkeypatch):
    """A gateway that answers what the test says, in turn; and what it was asked."""
    asked, said = [], []

    def create_tasks(drafts, seconds):
        assert not connection.in_atomic_block or connection.savepoint_ids == []
        asked.append([draft.name for draft in drafts])
        answer = said.pop(0) if said else None
        return answer if isinstance(answer, list) else [answer] * len(drafts)

    monkeypatch.setattr(gateway, "create_tasks", create_tasks)
    answers = said
    return type("Answers", (), {"asked": asked, "say": lambda self, *more: answers.extend(more)})()


def counts(batch):
    batch.refresh_from_db()
    rows = batch.rows.values_list("state", flat=True)
    kept = {state: getattr(batch, state) for state in BatchRow.COUNTED}
    assert kept == {state: list(rows).count(state) for state in BatchRow.COUNTED}
    return {state: n for state, n in kept.items() if n} | (
        {"left": batch.left} if batch.left else {}
    )


@pytest.mark.django_db
def test_a_batch_is_sent_and_shown_among_the_tasks(queue, admin_user):
    batch = make(user=admin_user, count="120", queue=queue.id, body="row {{n}} \x01é")
    assert batch.start()
    assert send_slice(batch, seconds=60) == ""
    assert (batch.state, counts(batch)) == (Batch.State.FINISHED, {"sent": 120})
    assert batch.finished_at >= batch.started_at
    assert queue() == {batch.key(number) for number in range(1, 121)}
    sent = SentTask.objects.get(task_id=batch.key(7))
    assert (bytes(sent.body), sent.body_size, sent.url, sent.method) == (
        *("row 7 \x01é".encode(), 9, URL, "POST"),
    )
    assert (sent.account, sent.audience) == (ACCOUNT, "http://localhost:8080")
    assert (sent.batch, sent.created_by, sent.random_name) == (batch, admin_user, True)
    assert (sent.answer, sent.answer_text, sent.state, sent.ended_at) == (
        *("created", "", "waiting", None),
    )
    assert batch.tasks.count() == 120
    assert set(batch.rows.values_list("values", "claim")) == {("", "")}
    assert not batch.start()
    send_slice(batch)
    assert SentTask.objects.count() == 120


@pytest.mark.django_db
def test_rows_are_committed_before_the_call(answers):
    seen = []
    real = gateway.create_tasks

    def create_tasks(drafts, seconds):
        states = SentTask.objects.filter(name__in=[one.name for one in drafts])
        seen.append(list(states.values_list("answer", flat=True)))
        return real(drafts, seconds)

    gateway.create_tasks, batch = create_tasks, begun()
    send_slice(batch)
    gateway.create_tasks = real
    assert seen == [["pending"] * 3]


@pytest.mark.django_db
def test_a_slice_ends_in_time_and_the_next_goes_on(answers, monkeypatch):
    clock = iter([0.0, 0.0, 1.5, 1.6])
    monkeypatch.setattr(sending.time, "monotonic", lambda: next(clock))
    batch = begun(count="120")
    send_slice(batch)
    assert counts(batch) == {"sent": 50, "left": 70}
    assert batch.rate == pytest.approx(50 / 1.6)
    assert batch.seconds_left == pytest.approx(70 / batch.rate)
    assert not batch.is_idle


@pytest.mark.django_db
def test_a_lost_answer_is_asked_for_again_under_the_same_name(answers):
    batch = begun()
    answers.say(UnknownOutcome("No answer."), Refused("ALREADY_EXISTS: it is", "ALREADY_EXISTS"))
    assert send_slice(batch) == "No answer."
    assert counts(batch) == {"left": 3}
    assert set(batch.rows.values_list("state", flat=True)) == {"lost"}
    assert set(batch.tasks.values_list("answer", flat=True)) == {"unknown"}
    assert send_slice(batch) == ""
    assert answers.asked[0] == answers.asked[1]
    assert (batch.state, counts(batch)) == ("finished", {"sent": 3})
    assert set(batch.tasks.values_list("answer", "state")) == {("created", "waiting")}


@pytest.mark.django_db
def test_a_dead_sender_s_rows_are_taken_over_when_their_lease_is_over(answers):
    batch = begun()
    rows = BatchRow.objects.take(batch, 2, again=False)
    assert [row.number for row in rows] == [1, 2]
    assert [row.number for row in BatchRow.objects.take(batch, 9, again=True)] == [3]
    assert BatchRow.objects.take(batch, 9, again=True) == []
    send_slice(batch)
    assert answers.asked == []
    batch.rows.update(taken_until=timezone.now() - timedelta(seconds=1))
    send_slice(batch)
    assert (counts(batch), len(answers.asked[0])) == ({"sent": 3}, 3)


@pytest.mark.django_db
def test_a_row_is_claimed_by_its_own_columns_alone():
    """PostgreSQL, having waited for a row, would answer a join from before it waited."""
    batch = begun()
    with CaptureQueriesContext(connection) as queries:
        assert len(BatchRow.objects.take(batch, 3, again=True)) == 3
    [claim] = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    assert "SELECT" not in claim
    assert "JOIN" not in claim
    batch.stop()
    assert BatchRow.objects.take(batch, 3, again=True) == []


@pytest.mark.django_db
def test_who_was_held_up_neither_sends_nor_counts_rows_that_others_have_now(answers):
    batch = begun()
    check = sending.RowCheck(batch)
    held_up = sending._take(batch, check, again=True)
    for job in held_up:
        job.row.taken_until = timezone.now() - timedelta(seconds=1)
    batch.rows.update(taken_until=timezone.now() - timedelta(seconds=1))
    send_slice(batch)
    assert counts(batch) == {"sent": 3}
    sending._send(held_up, 1)
    assert [job.state for job in held_up] == ["", "", ""]
    for job in held_up:
        job.state = "failed"
    sending._keep(batch, held_up)
    assert counts(batch) == {"sent": 3}
    assert set(batch.tasks.values_list("answer", flat=True)) == {"created"}


@pytest.mark.django_db
def test_what_has_been_seen_to_arrive_is_not_sent_again(answers):
    batch = begun()
    answers.say(UnknownOutcome("No answer."))
    send_slice(batch)
    batch.tasks.update(answer="created", state="done")
    send_slice(batch)
    assert len(answers.asked) == 1
    assert counts(batch) == {"sent": 3}
    assert set(batch.tasks.values_list("state", flat=True)) == {"done"}


@pytest.mark.django_db
def test_past_the_time_that_a_name_rests_nothing_is_sent_blindly(queue, monkeypatch):
    batch = begun(queue=queue.id)
    real = gateway.create_tasks
    lost = UnknownOutcome("No answer.")

    def create_tasks(drafts, seconds):
        real(drafts[:1], seconds)  # of three rows one arrives, and all answers are lost
        return [lost] * len(drafts)

    monkeypatch.setattr(gateway, "create_tasks", create_tasks)
    send_slice(batch)
    monkeypatch.setattr(gateway, "create_tasks", real)
    long_ago = timezone.now() - timedelta(hours=2)
    batch.tasks.update(created_at=long_ago)
    # The emulator's clock is ours: the task that arrived seems to be of an hour later.
    monkeypatch.setattr("dashboard.belongs.SAFE_TO_REPEAT", timedelta(hours=3))
    send_slice(batch)
    assert counts(batch) == {"sent": 1, "unclear": 2}
    assert batch.state == "finished"
    (row, _) = batch.rows.in_error()
    assert row.faults == [
        ["", "Its answer was lost, and by now it cannot be told whether it was sent."]
    ]
    assert batch.retry("unclear") == 2
    send_slice(batch)
    assert counts(batch) == {"sent": 3}
    assert len(queue()) == 3


@pytest.mark.django_db
def test_rows_that_are_refused_say_why_and_are_tried_again_when_asked_for(answers):
    batch = begun()
    answers.say([None, Refused("INVALID_ARGUMENT: no", "INVALID_ARGUMENT"), None])
    send_slice(batch)
    assert (batch.state, counts(batch)) == ("finished", {"sent": 2, "failed": 1})
    (row,) = batch.rows.in_error()
    assert (row.number, row.faults) == (2, [["", "INVALID_ARGUMENT: no"]])
    refused = batch.tasks.get(answer="refused")
    assert (refused.task_id, refused.answer_text, refused.state) == (
        *(batch.key(2), "INVALID_ARGUMENT: no", ""),
    )
    assert batch.retry("failed") == 1
    assert (batch.state, batch.finished_at, counts(batch)) == (
        *("sending", None, {"sent": 2, "left": 1}),
    )
    send_slice(batch)
    assert (batch.state, counts(batch)) == ("finished", {"sent": 3})
    assert answers.asked[1] == [refused.name]
    refused.refresh_from_db()
    assert (refused.answer, refused.answer_text, refused.state) == ("created", "", "waiting")


@pytest.mark.django_db
def test_a_round_that_is_refused_whole_stops_the_batch(answers):
    batch = begun(count="120")
    answers.say(Denied("PERMISSION_DENIED: not you", "PERMISSION_DENIED"))
    assert send_slice(batch) == "PERMISSION_DENIED: not you"
    assert (batch.state, counts(batch)) == ("stopped", {"failed": 50, "left": 70})
    assert batch.stopped_by == (
        "The last 50 rows were refused, all of them: PERMISSION_DENIED: not you"
    )
    assert batch.resume()
    batch.retry("failed")
    while batch.state == "sending":
        send_slice(batch)
    assert (counts(batch), batch.stopped_by) == ({"sent": 120}, "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "error",
    [Unreachable("Nobody there."), Refused("RESOURCE_EXHAUSTED: quota", "RESOURCE_EXHAUSTED")],
)
def test_while_cloud_tasks_is_away_rows_stay_and_the_slice_ends(answers, error):
    batch = begun(count="120")
    answers.say(error)
    assert send_slice(batch) == str(error)
    assert len(answers.asked) == 1
    assert counts(batch) == {"left": 120}
    assert set(batch.rows.values_list("state", flat=True)) == {"left"}
    assert batch.cancel() == 120
    assert (batch.state, counts(batch)) == ("finished", {"cancelled": 120})


@pytest.mark.django_db
def test_no_credentials_are_a_sentence(settings, monkeypatch):
    settings.CLOUD_TASKS_ENDPOINT = ""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere")
    batch = begun()
    assert "There are no Google credentials" in send_slice(batch)
    assert counts(batch) == {"left": 3}


@pytest.mark.django_db
def test_a_name_that_somebody_has_fails_but_our_own_of_an_earlier_try_is_sent(queue):
    taken = begun(queue=queue.id, count="1", name="mine-{{n}}")
    send_slice(taken)
    assert counts(taken) == {"sent": 1}
    batch = begun(queue=queue.id, count="2", name="mine-{{n}}", submission="2")
    send_slice(batch)
    assert counts(batch) == {"sent": 1, "failed": 1}
    assert "ALREADY_EXISTS" in batch.rows.in_error()[0].faults[0][1]
    # Row 2 again, as if its sender had died before it kept the answer.
    batch.rows.filter(number=2).update(state="lost")
    batch.tasks.filter(task_id="mine-2").update(answer="unknown")
    Batch.objects.filter(pk=batch.pk).update(state="sending", sent=0)
    send_slice(batch)
    assert counts(batch) == {"sent": 1, "failed": 1}
    assert queue() == {"mine-1", "mine-2"}


@pytest.mark.django_db
def test_a_queue_that_is_gone_leaves_in_doubt_what_it_may_have_had(answers):
    batch = begun()
    gone = Refused("NOT_FOUND: no queue", "NOT_FOUND")
    wrong = Refused("INVALID_ARGUMENT: no", "INVALID_ARGUMENT")
    answers.say(UnknownOutcome("No answer."), [gone, wrong, None])
    send_slice(batch)
    send_slice(batch)
    assert counts(batch) == {"unclear": 1, "failed": 1, "sent": 1}


@pytest.mark.django_db
def test_what_may_have_been_sent_is_not_given_up(answers):
    batch = begun()
    answers.say([None, UnknownOutcome("No answer."), Unreachable("Away.")])
    send_slice(batch)
    assert batch.stop()
    assert batch.cancel() == 1
    assert (batch.state, counts(batch)) == ("stopped", {"sent": 1, "cancelled": 1, "left": 1})
    batch.resume()
    send_slice(batch)
    assert counts(batch) == {"sent": 2, "cancelled": 1}


@pytest.mark.django_db
def test_a_stopped_batch_gives_out_no_row(answers):
    batch = begun()
    batch.stop()
    send_slice(batch)
    assert answers.asked == []
    assert counts(batch) == {"left": 3}


@pytest.mark.django_db
def test_a_row_that_the_settings_forbid_by_now_fails_with_its_sentence(answers, settings):
    batch = begun(count="2", url="http://elsewhere.example/")
    settings.CLOUD_TASKS_ENDPOINT = ""
    send_slice(batch)
    assert answers.asked == []
    assert counts(batch) == {"failed": 2}
    assert SentTask.objects.count() == 0
