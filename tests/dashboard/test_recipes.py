"""A recipe chosen with the form: a rule for this one task, made before it is sent."""

from datetime import datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from dashboard import recipes
from dashboard.errors import Refused, UnknownOutcome, Unreachable
from dashboard.models import SentTask
from receiver.models import RECIPES, Reply
from tests.dashboard.conftest import allow, make_queue

pytestmark = pytest.mark.django_db
TASK = {"queue": "default", "url": "http://localhost:8080/receive", "body": "x", "submission": "1"}


def test_the_rule_is_for_this_task_alone_and_there_before_the_call(admin_client, cloud):
    seen = []
    cloud.create_task.side_effect = lambda *_, **__: seen.extend(Reply.objects.all())
    cloud.get_queue.return_value = make_queue(max_attempts=5, min_backoff=1.0)
    admin_client.post("/enqueue/", TASK | {"recipe": "fail-3-times"})
    sent, (reply,) = SentTask.objects.get(), seen
    assert (sent.recipe, sent.recipe_name) == ("fail-3-times", "Fail 3 times with 503, then work")
    assert (reply.queue, reply.task) == ("default", sent.task_id)
    assert (reply.path, reply.header_name, reply.order) == ("", "", 0)
    assert (reply.status, reply.times, reply.enabled) == (503, 3, True)
    assert timedelta(minutes=59) < reply.until - timezone.now() < timedelta(minutes=61)
    reply.full_clean()
    assert "Recipe: Fail 3 times with 503, then work." in LogEntry.objects.get().change_message
    page = admin_client.get(f"/tasks/{sent.pk}/").content.decode()
    assert "<dt>Recipe</dt><dd>Fail 3 times with 503, then work</dd>" in page


def test_the_form_offers_each_recipe_and_keeps_the_chosen(admin_client, cloud):
    page = admin_client.get("/enqueue/").content.decode()
    for key, recipe in RECIPES.items():
        assert f'value="{key}">{recipe.name}</label>' in page
    typed = TASK | {"recipe": "drop", "name": "a b"}
    assert 'value="drop" checked' in admin_client.post("/enqueue/", typed).content.decode()
    assert not Reply.objects.exists()


def test_no_recipe_makes_no_rule(admin_client, cloud):
    admin_client.post("/enqueue/", TASK | {"recipe": ""})
    assert SentTask.objects.get().recipe == ""
    assert not Reply.objects.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"recipe": "no-such"}, "There is no such recipe."),
        ({"recipe": "drop", "url": "http://localhost:9999/"}, "Only this receiver fails by"),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_said_beside_it(admin_client, cloud, changes, sentence):
    answer = admin_client.post("/enqueue/", TASK | changes)
    assert list(answer.context["form"].errors) == ["recipe"]
    assert sentence in answer.content.decode()
    assert not cloud.create_task.called


def test_where_replies_are_off_none_is_offered_or_taken(admin_client, cloud, settings):
    settings.REPLIES = False
    assert 'name="recipe"' not in admin_client.get("/enqueue/").content.decode()
    form = admin_client.post("/enqueue/", TASK | {"recipe": "drop"}).context["form"]
    assert "Replies are off here" in form.errors["recipe"][0]


def test_a_recipe_needs_the_permission_to_add_a_reply(client, newcomer, cloud):
    allow(newcomer, "dashboard.add_senttask")
    assert 'name="recipe"' not in client.get("/enqueue/").content.decode()
    form = client.post("/enqueue/", TASK | {"recipe": "drop"}).context["form"]
    assert "receiver.add_reply" in form.errors["recipe"][0]
    allow(newcomer, "receiver.add_reply")
    assert client.post("/enqueue/", TASK | {"recipe": "drop"}).status_code == 302


def test_the_rule_goes_with_a_task_that_was_refused(admin_client, cloud):
    cloud.create_task.side_effect = Refused("no", "INVALID_ARGUMENT")
    admin_client.post("/enqueue/", TASK | {"recipe": "drop"})
    assert not Reply.objects.exists()


def test_the_rule_stays_where_the_answer_was_lost(admin_client, cloud):
    cloud.create_task.side_effect = UnknownOutcome("who knows")
    admin_client.post("/enqueue/", TASK | {"recipe": "drop"})
    assert Reply.objects.count() == 1


def test_the_same_form_sent_twice_makes_one_rule(admin_client, cloud):
    for _ in range(2):
        admin_client.post("/enqueue/", TASK | {"recipe": "drop"})
    assert (SentTask.objects.count(), Reply.objects.count()) == (1, 1)
    answer = admin_client.post("/enqueue/", TASK | {"recipe": "always-500"})
    assert "has not been sent" in answer.content.decode()
    assert Reply.objects.count() == 1


def test_a_name_used_again_is_not_answered_by_the_earlier_task_s_rule(admin_client, cloud):
    other = Reply.objects.create(name="by hand", queue="default", task="again", order=1)
    named = TASK | {"name": "again"}
    admin_client.post("/enqueue/", named | {"recipe": "always-500", "submission": "1"})
    admin_client.post("/enqueue/", named | {"recipe": "drop", "submission": "2"})
    assert [r.name for r in Reply.objects.filter(enabled=True)] == [RECIPES["drop"].name, "by hand"]
    admin_client.post("/enqueue/", named | {"submission": "3"})
    assert list(Reply.objects.filter(enabled=True)) == [other]


@pytest.mark.parametrize(
    ("queue", "ahead", "until"),
    [
        (make_queue(max_attempts=1), 0, timedelta(hours=1)),
        (make_queue(max_attempts=5, min_backoff=60.0), 0, timedelta(hours=1, minutes=30)),
        (make_queue(max_attempts=1), 86400, timedelta(days=1, hours=1)),
        (make_queue(max_attempts=-1), 0, timedelta(days=31)),
        (Unreachable("away"), 0, timedelta(days=31)),
    ],
)
def test_a_rule_lives_as_long_as_its_task_can_be_tried(cloud, queue, ahead, until, monkeypatch):
    now = datetime(2026, 11, 24, tzinfo=timezone.get_default_timezone())
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    cloud.get_queue.side_effect = [queue]
    at = now + timedelta(seconds=ahead) if ahead else None
    draft = SentTask(name="t", queue="q", schedule_time=at).draft
    assert recipes.ends_at(draft) == now + until


def test_enqueue_alone_stays_with_the_form_for_the_next_one(admin_client, cloud):
    page = admin_client.post("/enqueue/", TASK | {"then": "stay"}, follow=True)
    sent = SentTask.objects.get()
    assert page.redirect_chain == [(f"/enqueue/?like=task-{sent.pk}", 302)]
    assert f'Sent as <a href="/tasks/{sent.pk}/">{sent.task_id}</a>' in page.content.decode()
    assert page.context["form"]["body"].value() == "x"
    assert page.context["form"]["submission"].value() != "1"
