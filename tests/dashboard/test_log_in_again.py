"""A form that comes after the session has ended: log in, and it is as it was typed."""

import re

import pytest

from dashboard.models import SentTask
from tests.dashboard.conftest import allow

pytestmark = pytest.mark.django_db
TYPED = {
    "queue": "emails",
    "method": "PUT",
    "url": "http://localhost:8080/receive",
    "headers": "X-One: 1\r\nX-Two: 2",
    "body": '\r\n{"a": "<b> \'c\' &amp;"}\r\n',
    "schedule_time": "",
    "name": "kept",
    "account": "",
    "recipe": "",
    "submission": "once",
}
PERSON = {"username": "ann", "password": "right"}


@pytest.fixture
def ann(django_user_model):
    user = django_user_model.objects.create_user("ann", password="right", is_staff=True)
    allow(user, "dashboard.add_senttask")
    return user


def test_the_form_comes_back_as_it_was_after_logging_in(client, ann, cloud):
    asked = client.post("/enqueue/", TYPED)
    page = asked.content.decode()
    assert "nothing has been sent" in page
    assert 'action="/enqueue/log-in/"' in page
    carried = dict(asked.context["typed"])
    assert carried == TYPED
    assert page.count('type="hidden"') == len(TYPED) + page.count("csrfmiddlewaretoken")
    assert not client.session.keys()
    answer = client.post("/enqueue/log-in/", carried | PERSON)
    form = answer.context["form"]
    assert {name: form[name].value() for name in TYPED} == TYPED
    assert "It has not been sent yet." in answer.content.decode()
    assert not SentTask.objects.exists()
    assert client.post("/enqueue/", TYPED).status_code == 302
    assert bytes(SentTask.objects.get().body) == TYPED["body"].replace("\r\n", "\n").encode()


def test_a_wrong_password_keeps_it_too(client, ann, cloud):
    answer = client.post("/enqueue/log-in/", TYPED | PERSON | {"password": "wrong"})
    assert "enter the correct username" in answer.content.decode()
    assert dict(answer.context["typed"]) == TYPED
    assert "wrong" not in re.sub(r"class=\"[^\"]*\"", "", answer.content.decode())
    assert client.get("/enqueue/").status_code == 302


def test_the_limit_of_tries_holds_here_too(client, ann, cloud):
    for _ in range(5):
        client.post("/enqueue/log-in/", PERSON | {"password": "wrong"})
    assert "Too many tries" in client.post("/enqueue/log-in/", PERSON).content.decode()


def test_who_may_not_send_is_told_so(client, ann, cloud):
    ann.user_permissions.clear()
    answer = client.post("/enqueue/log-in/", TYPED | PERSON)
    assert answer.status_code == 403
    assert "dashboard.add_senttask" in answer.content.decode()


def test_it_needs_the_token_of_a_form(ann, cloud):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/enqueue/log-in/", TYPED | PERSON).status_code == 403


def test_a_look_at_the_form_is_sent_to_the_log_in_page_as_ever(client):
    assert client.get("/enqueue/")["Location"].startswith("/admin/login/?next=/enqueue/")
    assert client.get("/enqueue/log-in/").status_code == 405
