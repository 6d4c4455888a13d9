"""What each member of staff sees: a page needs the permission of what it shows, and no other."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from dashboard.errors import Refused, Unreachable
from dashboard.models import Batch
from receiver.models import Refusal, Reply
from tests.dashboard.batches import FORM
from tests.dashboard.conftest import allow, make_event, make_sent

pytestmark = pytest.mark.django_db
SECRET = "the secret of the body"
NEEDED = {
    "/events/": "receiver.view_event",
    "/events/?show=refusals": "receiver.view_refusal",
    "/events/rows/": "receiver.view_event",
    "/events/901/": "receiver.view_event",
    "/tasks/": "dashboard.view_senttask",
    "/tasks/901/": "dashboard.view_senttask",
    "/tasks/by-name/": "dashboard.view_senttask",
    "/batches/": "dashboard.view_batch",
    "/batches/901/": "dashboard.view_batch",
    "/batches/901/errors.csv": "dashboard.view_batch",
    "/queues/": "dashboard.view_queue",
    "/queues/default/": "dashboard.view_queue",
    "/replies/": "receiver.view_reply",
}


@pytest.fixture(autouse=True)
def _rows(cloud):
    body = {"body": SECRET.encode(), "body_size": len(SECRET)}
    make_event("t-1", id=901, preview=SECRET, status=500, **body)
    make_sent("t-1", id=901, **body)
    Batch.objects.create(id=901, submission="901", source="copies", fields=FORM | {"body": SECRET})


@pytest.mark.parametrize("path", NEEDED)
def test_a_page_and_its_polls_need_the_permission_of_what_they_show(client, newcomer, path):
    for headers in ({}, {"HX-Request": "true"}):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 403
        assert NEEDED[path] in answer.content.decode()
    allow(newcomer, NEEDED[path])
    assert client.get(path).status_code in (200, 204)


def test_one_permission_opens_no_other_page(client, newcomer):
    for path, permission in NEEDED.items():
        newcomer.user_permissions.clear()
        allow(newcomer, permission)
        for other, needed in NEEDED.items():
            expected = (200, 204) if needed == permission else (403,)
            assert client.get(other).status_code in expected, (path, other)


def test_a_refused_page_is_in_the_frame_and_leads_on(client, newcomer):
    allow(newcomer, "dashboard.view_queue")
    for path in ("/events/", "/admin/receiver/event/"):
        page = client.get(path)
        assert page.status_code == 403
        text = page.content.decode()
        assert "<h1>Not allowed</h1>" in text
        assert 'id="nav-sidebar"' in text
        assert 'href="/queues/"' in text
        assert "dashboard/app.css" in text


def test_who_is_no_staff_is_offered_to_log_out(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("bob"))
    page = client.get("/events/").content.decode()
    assert "You are logged in as bob." in page
    assert 'action="/admin/logout/"' in page


def places(page: str) -> list[str]:
    labels = "Overview|Events|Tasks|Enqueue|Batches|Queues|Replies|Status"
    return re.findall(rf"</svg>({labels})</a>", page)


@pytest.mark.parametrize(
    ("permission", "shown"),
    [
        ("receiver.view_event", ["Overview", "Events", "Status"]),
        ("dashboard.view_senttask", ["Overview", "Tasks", "Status"]),
        ("dashboard.add_senttask", ["Overview", "Enqueue", "Status"]),
        ("dashboard.view_batch", ["Overview", "Batches", "Status"]),
        ("dashboard.view_queue", ["Overview", "Queues", "Status"]),
        ("receiver.view_reply", ["Overview", "Replies", "Status"]),
    ],
)
def test_the_navigation_shows_only_what_one_may_see(client, newcomer, permission, shown):
    assert places(client.get("/").content.decode()) == ["Overview", "Status"] * 2
    allow(newcomer, permission)
    for path in ("/", "/admin/"):
        assert places(client.get(path).content.decode()) == [*shown, *shown]


def test_the_overview_shows_each_part_to_those_who_may_see_it(client, newcomer):
    parts = {
        "receiver.view_event": ["Latest failures", "Events per hour", "Handler time, p95", "t-1"],
        "receiver.view_refusal": ["Latest refusals", "<span>Refused</span>\n        <b>"],
        "dashboard.view_queue": ["<h2>Queues</h2>", "emails"],
        "dashboard.view_senttask": ["<h2>Tasks sent from here</h2>", "Gave up"],
        "receiver.view_reply": ["The receiver answers as it was told: <b>Fails</b>"],
    }
    make_event(queue="once-was")
    Reply.objects.create(name="Fails")
    assert "Your account may see nothing here yet" in client.get("/").content.decode()
    for permission in parts:
        newcomer.user_permissions.clear()
        allow(newcomer, permission)
        page = client.get("/").content.decode()
        for needed, texts in parts.items():
            assert [text in page for text in texts] == [needed == permission] * len(texts)
        assert ("Refused" in page) == (permission == "receiver.view_refusal")
        assert ("once-was" in page) == (permission == "receiver.view_event")


def test_a_link_that_would_be_refused_is_not_shown(client, newcomer):
    allow(newcomer, "receiver.view_event", "dashboard.view_senttask")
    for path in ("/", "/events/", "/events/901/", "/tasks/", "/tasks/901/"):
        page = client.get(path).content.decode()
        assert not re.search(r'href="/(queues|enqueue)/', page), path
    newcomer.user_permissions.clear()
    allow(newcomer, "dashboard.view_queue")
    for path in ("/", "/queues/", "/queues/default/"):
        assert not re.search(r'href="/(events|tasks)/', client.get(path).content.decode()), path


def test_a_task_s_page_shows_events_and_refusals_only_to_those_who_may_see_them(client, newcomer):
    sent = make_sent("t-2", id=902)
    make_event("t-2", received_at=sent.created_at)
    minute = sent.created_at.replace(second=0, microsecond=0)
    Refusal.objects.create(reason="key", minute=minute, count=1, queue="default", task="t-2")
    allow(newcomer, "dashboard.view_senttask")
    page = client.get("/tasks/902/").content.decode()
    assert "Attempt 1" not in page
    assert "Turned away" not in page
    allow(newcomer, "receiver.view_event")
    assert "Attempt 1" in client.get("/tasks/902/").content.decode()


# Bodies -----------------------------------------------------------------------------------
def test_bodies_have_a_permission_of_their_own(client, clerk):
    pages = ["/events/", "/events/rows/", "/events/901/", "/tasks/901/"]
    pages += ["/admin/receiver/event/", "/admin/receiver/event/901/change/"]
    pages += ["/admin/dashboard/senttask/901/change/"]
    for path in pages:
        assert SECRET in client.get(path).content.decode(), path
    assert client.get("/events/901/body/").content.decode() == SECRET
    clerk.user_permissions.remove(clerk.user_permissions.get(codename="view_body"))
    for path in pages:
        answer = client.get(path)
        assert answer.status_code == 200
        assert SECRET not in answer.content.decode(), path
    assert "receiver.view_body" in client.get("/events/901/").content.decode()
    assert client.get("/events/901/body/").status_code == 403


# Acts -------------------------------------------------------------------------------------
def log() -> list[tuple[str, str, str, str]]:
    entries = LogEntry.objects.order_by("id").select_related("user", "content_type")
    return [
        (e.user.username, e.content_type.model, e.object_repr, e.change_message) for e in entries
    ]


def test_every_act_is_in_the_admin_s_log(admin_client, cloud):
    typed = {"queue": "default", "url": "http://localhost:8080", "name": "named"}
    admin_client.post("/enqueue/", typed)
    lost = make_sent("lost", answer="unknown")
    admin_client.post(f"/tasks/{lost.pk}/again/")
    admin_client.post("/queues/_new/", {"name": "fresh"})
    seen = admin_client.post("/queues/default/edit/", {"max_attempts": "3"}).context["seen"]
    admin_client.post("/queues/default/edit/", {"max_attempts": "3", "seen": seen})
    admin_client.post("/queues/default/pause/")
    admin_client.post("/queues/default/resume/")
    admin_client.post("/queues/default/purge/", {"name": "default"})
    found = log()
    assert [entry[:3] for entry in found] == [
        ("admin", "senttask", "named"),
        ("admin", "senttask", "lost"),
        ("admin", "queue", "fresh"),
        *[("admin", "queue", "default")] * 4,
    ]
    messages = [entry[3] for entry in found]
    assert messages[:3] == ["Sent to queue default.", "Sent again under the same name.", "Created."]
    assert "max_attempts = 3" in messages[3]
    assert messages[4:] == ["Paused.", "Resumed.", "Purged."]
    assert "fresh" in admin_client.get("/admin/").content.decode()


def test_an_act_that_cloud_tasks_refused_is_in_the_log_with_the_reason(admin_client, cloud):
    cloud.create_task.side_effect = Refused("ALREADY_EXISTS: taken", "ALREADY_EXISTS")
    cloud.pause_queue.side_effect = Unreachable("Nobody there.")
    admin_client.post("/enqueue/", {"queue": "default", "url": "http://localhost:8080"})
    admin_client.post("/queues/default/pause/")
    assert [entry[3] for entry in log()] == [
        "Sent to queue default. Failed: ALREADY_EXISTS: taken",
        "Paused. Failed: Nobody there.",
    ]


def test_looking_and_a_form_with_a_mistake_are_no_acts(admin_client, cloud):
    for path in (*NEEDED, "/enqueue/", "/queues/_new/"):
        admin_client.get(path)
    admin_client.post("/enqueue/", {"queue": "default", "url": "ftp://x"})
    admin_client.post("/queues/default/purge/", {"name": "other"})
    admin_client.post("/queues/a_b/pause/")
    assert log() == []


def test_a_form_sent_twice_is_one_act(admin_client, cloud):
    typed = {"queue": "default", "url": "http://localhost:8080", "submission": "once"}
    for _ in range(2):
        admin_client.post("/enqueue/", typed)
    assert len(log()) == 1


def test_who_may_send_but_not_look_is_told_that_it_was_sent(client, newcomer, cloud):
    allow(newcomer, "dashboard.add_senttask")
    typed = {"queue": "default", "url": "http://localhost:8080", "name": "mine"}
    page = client.post(reverse("enqueue"), typed, follow=True)
    assert page.redirect_chain == [("/enqueue/", 302)]
    assert "Sent as mine." in page.content.decode()
