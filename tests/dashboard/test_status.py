"""The status page and the self-test: each fault that can stop a task says its cause and mend."""

import socket
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.checks import Error
from django.db import connection
from django.utils import timezone

from dashboard import cache, health, self_test, set_up
from dashboard.errors import Denied, NoCredentials, NotFound, Unreachable
from dashboard.models import SentTask
from receiver.models import Event, Refusal
from tests.dashboard.conftest import DEFAULT, allow, make_event, make_queue, make_sent
from tests.dashboard.web import Answers

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(settings):
    """A server that says 200 to /health and has one key."""
    with Answers({"/health": (200, b"ok"), "/certs": (200, b'{"one": "PEM"}')}) as answers:
        settings.RECEIVER_URL = answers.url
        settings.OIDC_CERTS_URL = f"{answers.url}/certs"
        yield answers


@pytest.fixture
def nobody():
    """A URL where nobody listens: the port is taken by a socket that does not."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def parts() -> dict[str, health.Health]:
    cache.clear()
    return {part.name: part for part in health.look()}


def test_the_page_shows_settings_health_findings_refusals_and_versions(
    admin_client, cloud, web, settings
):
    settings.OIDC_AUDIENCES = ["https://other.example"]
    now = timezone.now().replace(second=0, microsecond=0)
    for minute, count in ((now, 2), (now - timedelta(minutes=5), 3), (now - timedelta(hours=2), 9)):
        Refusal.objects.create(reason="account", minute=minute, count=count, account="<b>x")
    page = admin_client.get("/status/").content.decode()
    for text in ("verify", settings.OIDC_SERVICE_ACCOUNT, "https://other.example", web.url):
        assert text in page
    assert page.count("Answers</span>") == 4
    assert "No mistake in the settings" in page
    assert "<b>5 ×</b>" in page
    assert "Token of another account" in page
    assert "export OIDC_SERVICE_ACCOUNT=" in page
    assert "&lt;b&gt;x" in page
    assert "google-cloud-tasks" in page


def test_no_secret_is_shown(admin_client, cloud, web, settings, monkeypatch):
    settings.OIDC_ISSUER = "https://user:s3cr3t@issuer.example"
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "s3cr3t")
    page = admin_client.get("/status/").content.decode()
    assert settings.SECRET_KEY not in page
    assert "s3cr3t" not in page
    assert "https://issuer.example" in page


def test_a_finding_of_the_checks_is_shown_with_its_id_and_hint(
    admin_client, cloud, web, monkeypatch
):
    found = [Error("Something is <wrong>.", hint="Do this.", id="config.E999")]
    monkeypatch.setattr(health, "run_checks", lambda **kwargs: found)
    page = admin_client.get("/status/").content.decode()
    for text in ("config.E999", "Something is &lt;wrong&gt;.", "Do this.", "Error</span>"):
        assert text in page


def test_refusals_are_for_those_who_may_see_them(client, newcomer, cloud, web):
    Refusal.objects.create(reason="key", minute=timezone.now(), count=1)
    assert "Turned away" not in client.get("/status/").content.decode()
    assert "Run the self-test" not in client.get("/status/").content.decode()
    allow(newcomer, "receiver.view_refusal")
    assert "Turned away" in client.get("/status/").content.decode()


# Health -----------------------------------------------------------------------------------
def test_everything_answers(cloud, web):
    assert {part.name: part.state for part in health.look()} == {
        "Database": "ok",
        "Cloud Tasks": "ok",
        "Receiver": "ok",
        "Certificates": "ok",
    }


def test_what_is_away_says_so_with_its_mend(cloud, settings, nobody):
    settings.RECEIVER_URL, settings.OIDC_CERTS_URL = nobody, f"{nobody}/certs"
    found = parts()
    assert [found[name].state for name in ("Receiver", "Certificates")] == ["bad", "bad"]
    assert found["Receiver"].command == f"curl -i {nobody}/health"
    assert found["Certificates"].command == f"curl -fsS {nobody}/certs"
    assert "refused" in found["Receiver"].text


@pytest.mark.parametrize(
    ("answer", "state", "word"),
    [
        ((403, b""), "ok", "Private"),
        ((404, b""), "bad", "Another"),
        ((302, b""), "bad", "Another"),
        ((500, b""), "bad", "Another"),
    ],
)
def test_another_answer_of_the_receiver_is_told(cloud, web, answer, state, word):
    web.answers["/health"] = answer
    assert (parts()["Receiver"].state, parts()["Receiver"].word) == (state, word)


@pytest.mark.parametrize("answer", [(200, b"<html>"), (200, b"[]"), (200, b"{}"), (500, b"")])
def test_certificates_that_are_none_are_told(cloud, web, answer):
    web.answers["/certs"] = answer
    assert parts()["Certificates"].state == "bad"


def test_certificates_are_moot_where_nobody_verifies(cloud, web, settings):
    settings.RECEIVER_AUTH = "iam"
    assert parts()["Certificates"].word == "Not used"


@pytest.mark.parametrize(
    ("error", "command"),
    [
        (NotFound("NOT_FOUND: no queue", "NOT_FOUND"), "python manage.py create_queue default"),
        (Denied("PERMISSION_DENIED: no", "PERMISSION_DENIED"), "gcloud projects add-iam-policy"),
        (NoCredentials("There are no Google credentials"), "gcloud auth application-default"),
        (Unreachable("It does not answer."), "python manage.py runemulator"),
    ],
)
def test_cloud_tasks_own_words_have_a_mend(cloud, web, error, command):
    cloud.get_queue.side_effect = error
    assert parts()["Cloud Tasks"].state == "bad"
    assert parts()["Cloud Tasks"].command.startswith(command)


def test_a_paused_queue_is_told(cloud, web):
    cloud.get_queue.return_value = make_queue(state="PAUSED")
    assert parts()["Cloud Tasks"].word == "Paused"


def test_missing_migrations_are_told(cloud, web, monkeypatch):
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda *_: ["one", "two"])
    assert parts()["Database"].command == "python manage.py prepare"
    assert "2 migrations" in parts()["Database"].text


# The self-test's steps: a table of what can be known and what follows -----------------------
RIGHT = ["done"] * 5


def state_of(sent, events=(), refusals=(), queue=None, after=1.0) -> list[self_test.Step]:
    now = sent.created_at + timedelta(seconds=after)
    return self_test.steps(sent, list(events), list(refusals), queue or make_queue(), now)


def states(found: list[self_test.Step]) -> list[str]:
    return [step.state for step in found]


def test_every_step_is_ticked_off_in_its_order():
    sent = make_sent(answer="pending")
    assert states(state_of(sent)) == ["running", *["waiting"] * 4]
    sent.answer = "created"
    assert states(state_of(sent)) == ["done", "running", *["waiting"] * 3]
    sent.dispatch_count = 1
    assert states(state_of(sent)) == ["done", "done", "running", "waiting", "waiting"]
    event = make_event(took_us=2000)
    assert states(state_of(sent, [event])) == [*RIGHT[:4], "running"]
    sent.ended_at = timezone.now()
    assert states(state_of(sent, [event])) == RIGHT
    assert "Answered 200 after 0.002 s." in state_of(sent, [event])[4].text


def test_what_was_not_created_says_why_and_what_to_do():
    sent = make_sent(answer="refused", answer_text="NOT_FOUND: Queue does not exist.")
    step = state_of(sent)[0]
    assert (step.state, step.command) == ("failed", "python manage.py create_queue default")
    assert self_test.over(sent, timezone.now())


def test_a_paused_queue_and_a_slow_one_are_named():
    sent = make_sent()
    step = state_of(sent, queue=make_queue(state="PAUSED"))[1]
    assert (step.state, step.leads_to) == ("failed", "queue")
    slow = make_queue(max_dispatches_per_second=0.01)
    assert "0.01 a second" in state_of(sent, queue=slow, after=30)[1].text
    assert not self_test.over(sent, sent.created_at + timedelta(seconds=30))
    assert self_test.over(sent, sent.created_at + timedelta(minutes=11))


def test_a_task_that_was_deleted_before_its_turn_is_told():
    sent = make_sent(ended_at=timezone.now())
    assert states(state_of(sent))[:2] == ["done", "failed"]


def test_a_refusal_has_its_cause_and_its_mend():
    sent = make_sent(dispatch_count=1, last_attempt_text="UNAUTHENTICATED")
    refusal = Refusal(reason="audience", count=1)
    step = state_of(sent, refusals=[refusal])[2]
    assert step.state == "failed"
    assert "Token for another audience" in step.text
    assert "--oidc-token-audience=" in step.command


def test_a_target_that_is_not_here_is_told(settings):
    sent = make_sent(dispatch_count=1, last_attempt_text="NOT_FOUND(5): HTTP status code 404")
    step = state_of(sent)[2]
    assert "did not reach this receiver" in step.text
    assert step.command == f"curl -i {settings.RECEIVER_URL}/receive"
    settings.K_SERVICE = "tasks"
    sent.last_attempt_text = "PERMISSION_DENIED(7): HTTP status code 403"
    assert "roles/run.invoker" in state_of(sent)[2].command
    sent = make_sent("gone", dispatch_count=1, ended_at=timezone.now())
    assert state_of(sent)[2].state == "failed"


@pytest.mark.parametrize(("check", "state"), [("verified", "done"), ("iam", "done")])
def test_how_the_caller_was_established_is_said(check, state):
    assert state_of(make_sent(), [make_event(caller_check=check)])[2].state == state


def test_a_caller_whom_nobody_checked_is_in_doubt_and_the_rest_goes_on():
    sent = make_sent(ended_at=timezone.now())
    found = state_of(sent, [make_event(caller_check=Event.Check.NONE)])
    assert states(found) == ["done", "done", "doubt", "done", "done"]


def test_a_reply_that_answered_it_is_named_and_a_later_success_counts():
    sent = make_sent()
    failed = make_event(status=503, reply_name="Always 503")
    step = state_of(sent, [failed])[4]
    assert (step.state, step.leads_to) == ("failed", "replies")
    assert "Always 503" in step.text
    sent.ended_at = timezone.now()
    assert states(state_of(sent, [failed, make_event()])) == RIGHT


# Its page ---------------------------------------------------------------------------------
def test_the_self_test_sends_one_task_however_often_the_form_comes(
    admin_client, cloud, web, settings
):
    for _ in range(2):
        answer = admin_client.post("/status/test/", {"submission": "once"})
    sent = SentTask.objects.get()
    assert answer["Location"] == f"/status/test/{sent.pk}/"
    assert cloud.create_task.call_count == 1
    draft = cloud.create_task.call_args.args[0]
    assert (draft.queue, draft.url) == (DEFAULT, f"{web.url}/receive/self-test")
    assert (draft.account, draft.audience) == (settings.OIDC_SERVICE_ACCOUNT, web.url)
    assert b"self-test" in draft.body


def test_the_page_is_live_until_the_task_has_ended_and_a_poll_answers_the_part(
    admin_client, cloud, web
):
    sent = make_sent("self-test-1", url=f"{web.url}/receive/self-test")
    page = admin_client.get(f"/status/test/{sent.pk}/").content.decode()
    assert "Under way" in page
    assert 'hx-trigger="every 1s"' in page
    assert "Health" in page
    SentTask.objects.filter(pk=sent.pk).update(ended_at=timezone.now(), state="done")
    make_event("self-test-1", received_at=timezone.now())
    part = admin_client.get(f"/status/test/{sent.pk}/?seen=x", headers={"HX-Request": "true"})
    text = part.content.decode()
    assert "Everything works" in text
    assert "hx-trigger" not in text
    assert "<html" not in text


def test_a_task_that_could_not_be_made_is_shown_as_the_failed_step(admin_client, cloud, web):
    cloud.create_task.side_effect = Unreachable("The local Cloud Tasks does not answer.")
    page = admin_client.post("/status/test/", {"submission": "x"}, follow=True).content.decode()
    assert "Failed" in page
    assert "python manage.py runemulator" in page
    assert "data-ended" in page


def test_another_task_is_no_self_test(admin_client, cloud, web):
    assert admin_client.get(f"/status/test/{make_sent().pk}/").status_code == 404


def test_a_self_test_needs_the_permission_to_send(client, clerk, cloud, web):
    sent = make_sent("self-test-1", url=f"{web.url}/receive/self-test")
    assert client.get(f"/status/test/{sent.pk}/").status_code == 403
    allow(clerk, "dashboard.add_senttask")
    assert client.get(f"/status/test/{sent.pk}/").status_code == 200


def test_values_of_settings_are_text(settings):
    settings.RECEIVER_AUTH = "off"
    values = {one.name: one for _, group in set_up.groups() for one in group}
    assert values["RECEIVER_AUTH"].meaning == "anybody may deliver; for a laptop only"
    assert values["DEBUG"].value == "0"
    assert replace(values["K_SERVICE"]).meaning == "not on Cloud Run"
