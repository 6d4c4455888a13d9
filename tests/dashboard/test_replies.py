"""The pages of replies: what is active, in which order; added, changed, switched, tried."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from dashboard.errors import Refused
from dashboard.models import SentTask
from receiver.models import Reply
from tests.dashboard.conftest import DEFAULT, allow, make_queue

pytestmark = pytest.mark.django_db


def make(name: str = "R", **fields) -> Reply:
    return Reply.objects.create(name=name, **fields)


def typed(**changes) -> dict[str, str]:
    """What the form sends of a rule as it is at first."""
    fields = {
        "name": "Slow orders",
        "status": "500",
        "delay": "0",
        "order": "100",
        "percent": "100",
        "enabled": "on",
    }
    return fields | changes


def log() -> list[tuple[str, str]]:
    return list(LogEntry.objects.order_by("id").values_list("object_repr", "change_message"))


def test_the_active_ones_stand_in_the_order_in_which_they_are_asked(admin_client):
    make("second", order=100, times=3, hits=1, queue="default", path="/receive/a*")
    make("first", order=5, delay=20, percent=50)
    make("dropping", order=200, drop=True)
    make("switched off", enabled=False)
    make("spent", times=2, hits=2)
    make("past", until=timezone.now() - timedelta(hours=1))
    page = admin_client.get("/replies/").content.decode()
    active, resting = page.split("<h2>Resting</h2>")
    places = [active.index(f"<b>{name}</b>") for name in ("first", "second", "dropping")]
    assert places == sorted(places)
    for text in ("of 3, 2 left", "queue default, path /receive/a*", "500 after 20 s, 50%"):
        assert text in active
    assert "connection dropped" in active
    for name, state in (("switched off", "Off"), ("spent", "Used up"), ("past", "Over")):
        assert name in resting
        assert f"</svg>{state}</span>" in resting
        assert f"<b>{name}</b>" not in active
    assert "Replies are off here" not in page


def test_without_any_the_page_says_what_happens_and_offers_the_recipes(admin_client):
    page = admin_client.get("/replies/").content.decode()
    assert "the receiver answers everything with 200" in page
    assert "?recipe=fail-3-times" in page


def test_where_replies_are_off_the_page_says_so(admin_client, settings):
    settings.REPLIES = False
    make()
    page = admin_client.get("/replies/").content.decode()
    assert "Replies are off here" in page
    assert "Would be active" in page


def test_a_poll_with_nothing_new_is_empty(admin_client):
    make()
    page = admin_client.get("/replies/")
    seen = page.context["part"]["digest"]
    poll = {"HX-Request": "true"}
    assert admin_client.get(f"/replies/?seen={seen}", headers=poll).status_code == 204
    Reply.objects.update(hits=7)
    part = admin_client.get(f"/replies/?seen={seen}", headers=poll)
    assert '<td class="n">7</td>' in part.content.decode()


def test_more_than_a_page_of_resting_ones_is_paged_by_key(admin_client):
    for number in range(103):
        make(f"old-{number}", enabled=False)
    first = admin_client.get("/replies/")
    assert "old-102" in first.content.decode()
    assert "old-2<" not in first.content.decode()
    older = admin_client.get(f"/replies/?{first.context['older']}").content.decode()
    assert "old-2<" in older
    assert "Newest" in older


# Adding and changing ----------------------------------------------------------------------
def test_a_recipe_fills_the_form(admin_client):
    form = admin_client.get("/replies/new/?recipe=429-retry-after").context["form"]
    assert (form["status"].value(), form["headers"].value()) == (429, "Retry-After: 5")
    assert form["name"].value() == "429 with Retry-After"
    assert admin_client.get("/replies/new/?recipe=none").status_code == 200


def test_a_reply_is_added_with_every_field(admin_client):
    fields = typed(
        queue="emails",
        path="/receive/orders*",
        task="order-*",
        header_name="X-Shop",
        header_value="ber*",
        status="503",
        delay="1.5",
        headers="Retry-After: 9\r\nX-A: b",
        body="busy",
        times="3",
        until="2099-01-02 03:04",
        percent="50",
        order="7",
    )
    assert admin_client.post("/replies/new/", fields)["Location"] == "/replies/"
    reply = Reply.objects.get()
    assert (reply.queue, reply.path, reply.task) == ("emails", "/receive/orders*", "order-*")
    assert (reply.header_name, reply.header_value) == ("X-Shop", "ber*")
    assert (reply.status, reply.delay, reply.body, reply.drop) == (503, 1.5, "busy", False)
    assert (reply.times, reply.percent, reply.order, reply.enabled) == (3, 50, 7, True)
    assert reply.until.isoformat() == "2099-01-02T03:04:00+00:00"
    assert log()[0][1].startswith("Added: 503 after 1.5 s, 50% for queue emails")


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("name", "", "required"),
        ("name", "a\u202eb", "only characters that can be seen"),
        ("status", "199", "greater than or equal to 200"),
        ("delay", "61", "less than or equal to 60"),
        ("queue", "a b", "Letters, digits"),
        ("path", "receive", "A path begins with /"),
        ("headers", "Set-Cookie: a", "set by the receiver itself"),
        ("times", "0", "greater than or equal to 1"),
        ("until", "soon", "Enter a valid date/time"),
        ("percent", "0", "greater than or equal to 1"),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_nothing_lost(admin_client, field, value, why):
    answer = admin_client.post("/replies/new/", typed(body="kept", **{field: value}))
    form = answer.context["form"]
    assert list(form.errors) == [field]
    assert why in form.errors[field][0]
    assert form["body"].value() == "kept"
    assert not Reply.objects.exists()


def test_an_edit_saves_what_differs_and_leaves_the_hits(admin_client):
    reply = make(times=5)
    page = admin_client.get(f"/replies/{reply.pk}/").content.decode()
    assert 'name="times" value="5"' in page
    Reply.objects.update(hits=4)
    fields = typed(name="R", status="429", times="5", headers="", body="")
    admin_client.post(f"/replies/{reply.pk}/", fields)
    reply.refresh_from_db()
    assert (reply.status, reply.hits, reply.times) == (429, 4, 5)
    assert log() == [("R", "Changed status.")]


def test_a_rule_is_switched_counted_anew_and_deleted(admin_client):
    reply = make(times=1, hits=1)
    page = admin_client.post(f"/replies/{reply.pk}/switch/", {"to": "off"}, follow=True)
    assert "R is off." in page.content.decode()
    page = admin_client.post(f"/replies/{reply.pk}/switch/", {"to": "on"}, follow=True)
    assert "R is on, but answers nothing: used up." in page.content.decode()
    admin_client.post(f"/replies/{reply.pk}/recount/")
    reply.refresh_from_db()
    assert (reply.enabled, reply.hits, reply.last_hit_at) == (True, 0, None)
    page = admin_client.get(f"/replies/{reply.pk}/delete/").content.decode()
    assert "It answers 500 for all" in page
    admin_client.post(f"/replies/{reply.pk}/delete/")
    assert not Reply.objects.exists()
    said = [message for _, message in log()]
    assert said == ["Switched off.", "Switched on.", "Hits counted anew.", "Deleted: 500 for all."]


def test_who_may_only_look_sees_no_button(client, clerk):
    make("seen", times=1, hits=1)
    make("active")
    page = client.get("/replies/").content.decode()
    assert "seen" in page
    for text in ("Switch off<", "Count anew<", "Try it<", "New reply", "?recipe="):
        assert text not in page
    allow(clerk, "receiver.change_reply", "receiver.add_reply", "dashboard.add_senttask")
    page = client.get("/replies/").content.decode()
    for text in ("Switch off<", "Count anew<", "Try it<", "New reply", "?recipe="):
        assert text in page


# Trying -----------------------------------------------------------------------------------
def try_it(client, reply: Reply, **data):
    return client.post(f"/replies/{reply.pk}/try/", data, follow=True)


def test_a_task_that_meets_every_condition_is_sent_once(admin_client, cloud, settings):
    cloud.list_queues.return_value = [make_queue(), make_queue("emails")]
    fields = {"queue": "em*", "path": "*/orders/*", "task": "order-*-*"}
    reply = make(**fields, header_name="X-Shop", header_value="ber*")
    for _ in range(2):
        try_it(admin_client, reply, submission="once")
    assert cloud.create_task.call_count == 1
    draft = cloud.create_task.call_args.args[0]
    assert draft.queue.endswith("/queues/emails")
    assert draft.url == f"{settings.RECEIVER_URL}/receive/try/orders/try"
    assert draft.headers == [("X-Shop", "bertry")]
    assert draft.account == settings.OIDC_SERVICE_ACCOUNT
    sent = SentTask.objects.get()
    assert sent.task_id.startswith("order-")
    assert "*" not in sent.task_id
    assert log() == [(sent.task_id, "Sent to try the reply R.")]


def test_a_rule_for_all_is_tried_on_the_default_queue(admin_client, cloud, settings):
    try_it(admin_client, make())
    draft = cloud.create_task.call_args.args[0]
    assert (draft.queue, draft.url) == (DEFAULT, f"{settings.RECEIVER_URL}/receive/try")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"enabled": False}, "It answers nothing now: it is off."),
        ({"times": 1, "hits": 1}, "it is used up."),
        ({"queue": "none-*"}, "There is no running queue none-*"),
        ({"path": "/nowhere"}, "No task comes to /nowhere"),
        ({"header_name": "User-Agent"}, "User-Agent is set by Cloud Tasks itself."),
        ({"path": "/receive/" + "x" * 2070}, "a URL may have 2,083"),
    ],
)
def test_what_no_task_can_meet_is_said(admin_client, cloud, fields, why):
    page = try_it(admin_client, make(**fields)).content.decode()
    assert "R was not tried." in page
    assert why in page
    assert not cloud.create_task.called


def test_what_cloud_tasks_refuses_is_said(admin_client, cloud):
    cloud.create_task.side_effect = Refused("ALREADY_EXISTS: taken", "ALREADY_EXISTS")
    page = try_it(admin_client, make(task="taken")).content.decode()
    assert "R was not tried. ALREADY_EXISTS: taken" in page
    assert "Failed: ALREADY_EXISTS" in log()[0][1]
