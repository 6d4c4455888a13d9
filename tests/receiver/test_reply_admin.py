"""Replies in the admin: made from a recipe or from nothing, mended, switched."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from receiver.models import Reply
from receiver.recipes import RECIPES

LIST, ADD = "admin:receiver_reply_changelist", "admin:receiver_reply_add"


@pytest.fixture
def fields():
    """A form as the page sends it."""
    blank = ["queue", "path", "task", "header_name", "header_value", "headers", "body", "times"]
    values = {"name": "rule", "enabled": "on", "order": 100, "status": 500, "delay": 0}
    return dict.fromkeys(blank, "") | {"until_0": "", "until_1": "", "percent": 100} | values


@pytest.fixture
def reply(db):
    return Reply.objects.create(name="rule", queue="default", times=3, hits=2)


def change(reply):
    return reverse("admin:receiver_reply_change", args=[reply.pk])


def test_a_rule_is_added(admin_client, fields):
    filled = {
        "queue": "orders-*",
        "path": "/receive/*",
        "header_name": "X-Shard",
        "header_value": "7",
        "status": 429,
        "headers": "Retry-After: 5",
        "body": "later",
        "delay": "1.5",
        "times": 3,
        "until_0": "2030-01-01",
        "until_1": "00:00:00",
        "percent": 50,
    }
    answer = admin_client.post(reverse(ADD), fields | filled)
    assert answer.status_code == 302, answer.context["errors"]
    reply = Reply.objects.get()
    assert (reply.name, reply.enabled, reply.order) == ("rule", True, 100)
    assert (reply.queue, reply.path, reply.task) == ("orders-*", "/receive/*", "")
    assert (reply.header_name, reply.header_value) == ("X-Shard", "7")
    assert (reply.status, reply.headers, reply.body) == (429, "Retry-After: 5", "later")
    assert (reply.delay, reply.drop, reply.times, reply.percent) == (1.5, False, 3, 50)
    assert reply.until.isoformat() == "2030-01-01T00:00:00+00:00"
    assert reply.hits == 0


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("status", 101, "greater than or equal to 200"),
        ("headers", "X-A 1", "Line 1: Write it as Name: value"),
        ("delay", "nan", "Enter a number."),
        ("queue", "a/b", "Letters, digits"),
    ],
)
def test_a_mistake_is_said_beside_its_field(admin_client, fields, field, value, said):
    answer = admin_client.post(reverse(ADD), fields | {field: value})
    assert said in str(answer.context["adminform"].form.errors[field])
    assert not Reply.objects.exists()


@pytest.mark.parametrize("key", RECIPES)
def test_a_recipe_fills_the_form(admin_client, key):
    listed = admin_client.get(reverse(LIST)).content.decode()
    assert f'href="{reverse(ADD)}?recipe={key}">{RECIPES[key].name}</a>' in listed
    form = admin_client.get(reverse(ADD), {"recipe": key, "queue": "q"}).context["adminform"].form
    assert form["name"].value() == RECIPES[key].name
    assert form["queue"].value() == "q"
    for field, value in RECIPES[key].fields.items():
        assert form[field].value() == value


def test_a_recipe_that_there_is_not_is_an_empty_form(admin_client):
    answer = admin_client.get(reverse(ADD), {"recipe": "none"})
    assert answer.context["adminform"].form["name"].value() is None


def test_the_list_says_what_a_rule_does(admin_client, reply):
    Reply.objects.create(name="all", drop=True, enabled=False)
    Reply.objects.create(
        name="some", header_name="X-A", delay=2, percent=50, status=200, times=1, hits=1
    )
    html = admin_client.get(reverse(LIST)).content.decode()
    for shown in ("queue default", "2 of 3", "connection dropped", "200 after 2 s, 50%"):
        assert shown in html
    for shown in ("header X-A: *", ">all<", ">on<", ">off<", ">used up<"):
        assert shown in html


def test_saving_a_form_does_not_turn_back_the_hits(admin_client, reply, fields, monkeypatch):
    saved = Reply.save

    def save(self, *args, **kwargs):
        # A delivery between the form's read and its write.
        Reply.objects.filter(pk=reply.pk).update(hits=3)
        saved(self, *args, **kwargs)

    monkeypatch.setattr(Reply, "save", save)
    answer = admin_client.post(change(reply), fields | {"name": "renamed", "times": 3})
    assert answer.status_code == 302
    reply.refresh_from_db()
    assert (reply.name, reply.queue, reply.hits) == ("renamed", "", 3)


@pytest.mark.parametrize(
    ("action", "enabled", "hits"),
    [("switch_off", False, 2), ("switch_on", True, 2), ("count_anew", True, 0)],
)
def test_actions(admin_client, reply, action, enabled, hits):
    admin_client.post(reverse(LIST), {"action": action, "_selected_action": [reply.pk]})
    reply.refresh_from_db()
    assert (reply.enabled, reply.hits) == (enabled, hits)


def test_where_replies_are_off_the_list_says_so(admin_client, settings):
    assert "Replies are off" not in admin_client.get(reverse(LIST)).content.decode()
    settings.REPLIES = False
    assert "Replies are off: set REPLIES=1" in admin_client.get(reverse(LIST)).content.decode()


def test_who_may_only_look_changes_nothing(reply, fields):
    user = User.objects.create_user("looks", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_reply"))
    client = Client()
    client.force_login(user)
    assert client.get(reverse(LIST)).status_code == 200
    assert client.get(reverse(ADD)).status_code == 403
    assert client.post(change(reply), fields).status_code == 403
    client.post(reverse(LIST), {"action": "switch_off", "_selected_action": [reply.pk]})
    reply.refresh_from_db()
    assert (reply.enabled, reply.queue) == (True, "default")
