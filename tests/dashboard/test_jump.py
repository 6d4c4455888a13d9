"""The box at the top: a task's id or full name, an event's number, a queue's name lead there."""

import pytest
from django.utils.http import urlencode

from dashboard.errors import Unreachable
from tests.dashboard.conftest import DEFAULT, PARENT, allow, make_event

pytestmark = pytest.mark.django_db
TASK = f"{DEFAULT}/tasks/t-1"


@pytest.fixture(autouse=True)
def _rows(cloud):
    make_event(id=77)


def by_name(name: str) -> str:
    return f"/tasks/by-name/?{urlencode({'name': name})}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("77", "/events/77/"),
        ("#77", "/events/77/"),
        (" event-77 ", "/events/77/"),
        ("Event 77", "/events/77/"),
        ("78", by_name("78")),
        ("default", "/queues/default/"),
        (f"{PARENT}/queues/emails", "/queues/emails/"),
        ("t-1", by_name("t-1")),
        (TASK, by_name(TASK)),
    ],
)
def test_what_is_typed_leads_to_its_page(admin_client, text, place):
    assert admin_client.get("/jump/", {"q": text})["Location"] == place


@pytest.mark.parametrize("text", ["<script>", "projects/x", "a b", "9" * 30 + "!", "x" * 800])
def test_what_can_be_nothing_says_what_can_be_typed(admin_client, text):
    headers = {"Referer": "http://testserver/events/"}
    answer = admin_client.get("/jump/", {"q": text}, headers=headers, follow=True)
    assert answer.redirect_chain == [("/events/", 302)]
    assert "The box takes a task&#x27;s id or full name" in answer.content.decode()


def test_nothing_typed_is_no_mistake(admin_client):
    answer = admin_client.get("/jump/?q=", follow=True)
    assert answer.redirect_chain == [("/", 302)]
    assert "The box takes" not in answer.content.decode()


def test_it_leads_nowhere_that_one_may_not_see(client, newcomer):
    for text in ("77", "default", "t-1"):
        assert client.get("/jump/", {"q": text})["Location"] == "/"
    allow(newcomer, "dashboard.view_senttask")
    assert client.get("/jump/", {"q": "default"})["Location"] == by_name("default")


def test_it_works_while_cloud_tasks_is_away(admin_client, cloud):
    cloud.list_queues.side_effect = Unreachable("Nobody there.")
    assert admin_client.get("/jump/", {"q": "default"})["Location"] == by_name("default")


def test_a_stranger_is_sent_to_the_log_in_page(client):
    assert client.get("/jump/?q=77")["Location"].startswith("/admin/login/?next=")
