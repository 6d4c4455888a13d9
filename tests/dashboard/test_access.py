"""Who may see and do what, on every page; and what every page carries."""

import re
from unittest import mock

import pytest
from django.db.utils import OperationalError
from django.test import Client
from django.urls import NoReverseMatch, reverse

from dashboard import urls
from dashboard.models import Batch, SentTask, Template
from receiver.models import Reply
from tests.dashboard.batches import FORM
from tests.dashboard.conftest import DEFAULT, allow, make_event, make_sent

pytestmark = pytest.mark.django_db
LOOKS = [
    "/",
    "/events/",
    "/events/?show=refusals",
    "/events/rows/",
    "/events/1/",
    "/events/1/body/",
    "/tasks/",
    "/tasks/1/",
    "/tasks/by-name/",
    f"/tasks/by-name/report/?name={DEFAULT}/tasks/x",
    "/tasks/missing/",
    "/tasks/gave-up/",
    "/tasks/1/report/",
    "/tasks/diff/?a=1&b=1",
    "/queues/",
    "/queues/default/",
    "/enqueue/templates/",
    "/batches/",
    "/batches/1/",
    "/status/",
    "/replies/",
]
FORMS = ["/enqueue/", "/queues/_new/", "/queues/default/edit/", "/queues/default/purge/"]
FORMS += ["/queues/default/delete/", f"/tasks/cancel/?name={DEFAULT}/tasks/t-1"]
FORMS += ["/events/retention/", "/replies/new/", "/replies/1/", "/replies/1/delete/"]
FORMS += ["/batches/new/", "/batches/1/delete/", "/batches/1/cancel/"]
ACTIONS = ["/queues/default/pause/", "/queues/default/resume/", "/tasks/1/again/"]
ACTIONS += ["/events/1/resend/", "/events/many/"]
ACTIONS += [
    f"/tasks/run/?name={DEFAULT}/tasks/t-1",
    f"/tasks/local/forward/?name={DEFAULT}/tasks/t-1",
    f"/tasks/local/twice/?name={DEFAULT}/tasks/t-1",
    *["/tasks/1/resend/", "/tasks/many/"],
    *["/queues/default/local/forward/", "/queues/default/local/deliver/"],
    *["/status/test/", "/replies/1/switch/", "/replies/1/recount/", "/replies/1/try/"],
    *["/enqueue/paste/", "/enqueue/templates/save/"],
    *["/enqueue/templates/1/rename/", "/enqueue/templates/1/delete/"],
]
ACTIONS += ["/batches/fill/", *(f"/batches/1/{act}/" for act in ("slice", "send", "stop"))]
ACTIONS += [f"/batches/1/{act}/" for act in ("resume", "retry")]
PERMISSIONS = {
    "/batches/1/delete/": "dashboard.delete_batch",
    "/enqueue/": "dashboard.add_senttask",
    "/enqueue/paste/": "dashboard.add_senttask",
    "/enqueue/templates/1/rename/": "dashboard.change_template",
    "/enqueue/templates/1/delete/": "dashboard.delete_template",
    "/events/retention/": "receiver.delete_event",
    "/events/1/resend/": "dashboard.add_senttask",
    "/tasks/1/again/": "dashboard.add_senttask",
    "/tasks/1/resend/": "dashboard.add_senttask",
    f"/tasks/run/?name={DEFAULT}/tasks/t-1": "dashboard.change_senttask",
    f"/tasks/local/forward/?name={DEFAULT}/tasks/t-1": "dashboard.change_senttask",
    f"/tasks/local/twice/?name={DEFAULT}/tasks/t-1": "dashboard.change_senttask",
    "/queues/default/local/forward/": "dashboard.change_senttask",
    "/queues/default/local/deliver/": "dashboard.change_senttask",
    f"/tasks/cancel/?name={DEFAULT}/tasks/t-1": "dashboard.delete_senttask",
    "/status/test/": "dashboard.add_senttask",
    "/queues/_new/": "dashboard.change_queue",
    "/queues/default/edit/": "dashboard.change_queue",
    "/queues/default/pause/": "dashboard.change_queue",
    "/queues/default/resume/": "dashboard.change_queue",
    "/queues/default/purge/": "dashboard.purge_queue",
    "/replies/new/": "receiver.add_reply",
    "/replies/1/": "receiver.change_reply",
    "/replies/1/switch/": "receiver.change_reply",
    "/replies/1/recount/": "receiver.change_reply",
    "/replies/1/delete/": "receiver.delete_reply",
    "/replies/1/try/": "dashboard.add_senttask",
}


@pytest.fixture(autouse=True)
def _rows(cloud):
    make_event(id=1)
    make_sent("t-1", id=1, answer="unknown")
    Batch.objects.create(id=1, submission="1", source="copies", fields=FORM, state="stopped")
    Reply.objects.create(id=1, name="R")
    Template.objects.create(id=1, title="T", queue=DEFAULT, url="http://localhost:8080")


def test_every_url_is_in_the_lists_below():
    listed = {path.split("?")[0] for path in [*LOOKS, *FORMS, *ACTIONS]}
    listed |= {"/enqueue/code/", "/enqueue/log-in/"}  # the last is for strangers
    listed |= {"/batches/1/errors.csv"}  # test_permissions.py
    listed |= {"/jump/", "/status/test/1/"}  # test_jump.py, test_status.py
    listed |= {"/events/export/csv/"}  # test_event_export.py
    for pattern in urls.urlpatterns:
        for values in ({}, {"pk": 1}, {"name": "default"}, {"form": "csv"}):
            try:
                assert reverse(pattern.name, kwargs=values) in listed
            except NoReverseMatch:
                continue


@pytest.mark.parametrize("path", LOOKS)
def test_staff_may_look_at_everything(client, clerk, path):
    assert client.get(path).status_code in (200, 204)


@pytest.mark.parametrize("path", [*LOOKS, *FORMS])
def test_a_stranger_is_sent_to_the_log_in_page(client, path):
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/?next=")


@pytest.mark.parametrize("path", [*FORMS, *ACTIONS])
def test_a_stranger_can_change_nothing(client, path):
    assert client.post(path)["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("path", [*LOOKS, *FORMS])
def test_a_user_who_is_not_staff_is_refused(client, django_user_model, path):
    client.force_login(django_user_model.objects.create_user("bob"))
    answer = client.get(path)
    assert answer.status_code == 403
    assert "This dashboard is for staff." in answer.content.decode()


@pytest.mark.parametrize("path", [*LOOKS, *FORMS, *ACTIONS, "/enqueue/code/", "/status/test/1/"])
def test_staff_without_a_permission_read_which_one_they_lack(client, newcomer, path):
    SentTask.objects.filter(pk=1).update(created_by=newcomer)
    answer = client.post(path) if path in ACTIONS else client.get(path)
    if path in ("/", "/status/"):
        assert answer.status_code == 200  # these show of each part what one may see
        return
    assert answer.status_code == 403
    text = answer.content.decode()
    assert re.search(r"Your account lacks the permission (dashboard|receiver)\.[a-z_]+\.", text)
    assert "Somebody who manages the users in the admin can give it to you" in text


@pytest.mark.parametrize("path", PERMISSIONS)
def test_a_change_needs_its_permission(client, clerk, path):
    answer = client.post(path)
    assert answer.status_code == 403
    assert PERMISSIONS[path] in answer.content.decode()
    allow(clerk, PERMISSIONS[path])
    assert client.post(path).status_code in (200, 302)


def test_buttons_that_would_be_refused_are_not_shown(client, clerk):
    for path in ("/", "/queues/", "/queues/default/", "/tasks/1/"):
        page = client.get(path).content.decode().split('<dialog id="keys-sheet"')[0]
        assert "pause/" not in page
        assert "New queue" not in page
        assert "Purge" not in page
        assert "again/" not in page


@pytest.mark.parametrize("path", [*FORMS, *ACTIONS, "/enqueue/code/"])
def test_a_post_without_the_token_is_refused(admin_user, path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    answer = client.post(path)
    assert answer.status_code == 403
    assert "<h1>The form has expired</h1>" in answer.content.decode()
    assert 'id="nav-sidebar"' in answer.content.decode()


def test_a_stranger_s_post_without_the_token_is_refused_without_the_frame():
    answer = Client(enforce_csrf_checks=True).post("/enqueue/")
    assert answer.status_code == 403
    assert "<h1>The form has expired</h1>" in answer.content.decode()
    assert "nav-sidebar" not in answer.content.decode()


def test_what_the_admin_refuses_has_a_sentence_too(admin_client):
    page = admin_client.get("/admin/receiver/event/add/")
    assert page.status_code == 403
    assert "Your account may not do this." in page.content.decode()


@pytest.mark.parametrize("path", ACTIONS)
def test_nothing_changes_by_a_get(admin_client, path):
    assert admin_client.get(path).status_code == 405


@pytest.mark.parametrize("path", ["/events/rows/", "/tasks/1/", "/"])
def test_a_poll_after_the_session_has_ended_reloads_the_page(client, path):
    answer = client.get(path, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Refresh"]) == (204, "true")


@pytest.mark.parametrize("path", [*LOOKS[:3], *LOOKS[6:], *FORMS, "/admin/", "/events/1/"])
def test_a_page_keeps_to_the_policy(admin_client, path):
    answer = admin_client.get(path)
    page = answer.content.decode()
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert " style=" not in page
    assert "<style" not in page
    assert " onclick=" not in page
    assert "<script>" not in page
    assert "no-store" in answer["Cache-Control"]
    assert page.count("<h1") == 1


@pytest.mark.parametrize("path", ["/", "/admin/", "/admin/dashboard/senttask/"])
def test_the_frame_is_the_same_everywhere(admin_client, path):
    page = admin_client.get(path).content.decode()
    places = "Overview Events Tasks Enqueue Batches Queues Replies Status"
    for label in places.split():
        assert page.count(f"</svg>{label}</a>") == 2
    assert "Local · demo" in page
    assert "dashboard/app.css" in page
    assert 'id="nav-filter"' in page


def test_the_badge_says_google_where_there_is_no_endpoint(admin_client, settings):
    settings.CLOUD_TASKS_ENDPOINT = ""
    assert "Google Cloud · demo" in admin_client.get("/events/").content.decode()


def test_the_log_in_page_has_the_frame_without_the_navigation(client):
    page = client.get("/admin/login/").content.decode()
    assert "dashboard/app.css" in page
    assert "theme-toggle" in page
    assert "bottom-bar" not in page


def test_a_page_that_is_not_there_is_in_the_frame_for_staff_and_bare_for_strangers(
    admin_client, client
):
    for path in ("/nowhere/", "/events/99/", "/tasks/99/"):
        missing = admin_client.get(path)
        assert missing.status_code == 404
        page = missing.content.decode()
        assert "<h1>Nothing here</h1>" in page
        assert 'id="nav-sidebar"' in page
        assert 'id="jump-above"' in page
    bare = client.get("/nowhere/")
    assert bare.status_code == 404
    assert "<h1>Nothing here</h1>" in bare.content.decode()
    assert "nav-sidebar" not in bare.content.decode()


def test_a_page_that_is_not_there_needs_no_database(admin_client):
    with mock.patch("django.contrib.sessions.models.Session.objects") as sessions:
        sessions.get.side_effect = OperationalError("away")
        missing = admin_client.get("/nowhere/")
    assert missing.status_code == 404
    assert "nav-sidebar" not in missing.content.decode()


def test_a_request_that_cannot_be_read_names_the_likeliest_reason(client, settings):
    settings.ALLOWED_HOSTS = ["only.example"]
    bad = client.get("/events/")
    assert bad.status_code == 400
    assert "cannot be read" in bad.content.decode()
    assert "<code>ALLOWED_HOSTS</code>" in bad.content.decode()


def test_a_fault_of_ours_has_a_page_without_its_trace(admin_client, monkeypatch):
    def broken():
        raise RuntimeError("a secret")

    monkeypatch.setattr("dashboard.figures.tab_counts", broken)
    admin_client.raise_request_exception = False
    answer = admin_client.get("/events/")
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.content.decode()
    assert re.search(r"at about \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", answer.content.decode())
    assert "secret" not in answer.content.decode()


# The admin --------------------------------------------------------------------------------
def test_the_admin_shows_sent_tasks_and_changes_none(admin_client):
    pk = make_sent("t-2", id=77, headers=[["X", "<b>"]], body=b"\xff<script>").pk
    assert "t-2" in admin_client.get("/admin/dashboard/senttask/").content.decode()
    page = admin_client.get(f"/admin/dashboard/senttask/{pk}/change/").content.decode()
    assert "\\xff&lt;script&gt;" in page
    assert "X: &lt;b&gt;" in page
    assert 'name="_save"' not in page
    assert admin_client.get("/admin/dashboard/senttask/add/").status_code == 403
    assert admin_client.post(f"/admin/dashboard/senttask/{pk}/delete/").status_code == 403
    found = admin_client.get("/admin/dashboard/senttask/?q=t-2")
    assert found.context["cl"].result_count == 1


@pytest.mark.parametrize("path", ["/admin/dashboard/senttask/", "/admin/receiver/event/"])
def test_a_search_of_the_admin_has_a_label_that_can_be_read(admin_client, path):
    page = admin_client.get(f"{path}?q=nothing").content.decode()
    assert '<label for="searchbar">Search</label>' in page
    assert 'value="nothing" id="searchbar"' in page
    assert "0 results" in page
