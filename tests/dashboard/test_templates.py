"""Templates: the form saved, used, renamed and deleted, each by those who may."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from dashboard.models import SentTask, Template
from tests.dashboard.conftest import DEFAULT, allow, make_event

pytestmark = pytest.mark.django_db
FORM = {
    "queue": "emails",
    "method": "PUT",
    "url": "http://localhost:8080/receive?a=b",
    "headers": "Content-Type: application/json\r\nX-One: 1",
    "body": '{"note": "naïve"}\r\n',
    "schedule_time": "",
    "name": "only-once",
    "account": "tasks@demo.iam.gserviceaccount.com",
    "recipe": "drop",
    "title": " Order ",
}


def make(title: str = "Order", **changes) -> Template:
    values = {"queue": DEFAULT, "url": "http://localhost:8080", "method": "POST", "body": b"x"}
    return Template.objects.create(title=title, **(values | changes))


def test_a_form_is_saved_and_used_without_its_name(admin_client, admin_user, cloud):
    answer = admin_client.post("/enqueue/templates/save/", FORM, follow=True)
    template = Template.objects.get()
    assert (template.title, template.created_by) == ("Order", admin_user)
    assert template.queue.endswith("/queues/emails")
    assert (template.method, template.url) == ("PUT", FORM["url"])
    assert template.headers == [["Content-Type", "application/json"], ["X-One", "1"]]
    assert bytes(template.body) == '{"note": "naïve"}\n'.encode()
    assert (template.account, template.recipe) == (FORM["account"], "drop")
    assert answer.redirect_chain[0][0] == f"/enqueue/?like=template-{template.pk}"
    form = answer.context["form"]
    for field in ("queue", "method", "url", "account", "recipe"):
        assert form[field].value() == FORM[field]
    assert form["headers"].value() == "Content-Type: application/json\nX-One: 1"
    assert form["body"].value() == '{"note": "naïve"}\n'
    assert not form["name"].value()
    assert "Saved as template Order." in answer.content.decode()
    assert LogEntry.objects.get().change_message == "Saved from the form."
    assert not cloud.create_task.called
    assert not SentTask.objects.exists()


def test_bytes_that_cannot_be_typed_are_saved_and_sent_as_they_are(admin_client, cloud):
    event = make_event(body=b"\xff\r\n")
    form = {"queue": "default", "url": "http://localhost:8080", "body": "", "title": "Bytes"}
    admin_client.post("/enqueue/templates/save/", form | {"like": f"event-{event.pk}"})
    template = Template.objects.get()
    event.delete()
    admin_client.post("/enqueue/", form | {"like": f"template-{template.pk}"})
    assert bytes(SentTask.objects.get().body) == b"\xff\r\n"


def test_the_recent_ones_are_offered_the_last_used_first(admin_client, cloud):
    now = timezone.now()
    made = [make(f"T{n}", used_at=now - timedelta(hours=n)) for n in range(7)]
    admin_client.get(f"/enqueue/?like=template-{made[6].pk}")
    offered = admin_client.get("/enqueue/").context["templates"]
    assert [template.title for template in offered] == ["T6", "T0", "T1", "T2", "T3"]
    listed = admin_client.get("/enqueue/templates/").content.decode()
    assert listed.index("T6") < listed.index("T0") < listed.index("T5")


def test_the_list_is_empty_at_first_and_says_what_to_do(admin_client, cloud):
    page = admin_client.get("/enqueue/templates/").content.decode()
    assert "Save as a template" in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"title": " "}, "A template needs a title."),
        ({"title": "Taken"}, "Template with this Title already exists."),
        ({"title": "x" * 101}, "at most 100 characters"),
        ({"title": "a\u202eb"}, "only characters that can be seen"),
        ({"url": "ftp://x"}, "Not saved: mend what is marked below."),
    ],
)
def test_a_form_that_cannot_be_saved_says_why_and_is_kept(admin_client, cloud, changes, sentence):
    make("Taken")
    answer = admin_client.post("/enqueue/templates/save/", FORM | changes)
    assert sentence in answer.content.decode()
    assert answer.context["form"]["name"].value() == "only-once"
    assert Template.objects.count() == 1


def test_a_template_is_renamed_and_deleted(admin_client, cloud):
    template = make()
    admin_client.post(f"/enqueue/templates/{template.pk}/rename/", {"title": "Bill"})
    template.refresh_from_db()
    assert template.title == "Bill"
    make("Taken")
    rename = f"/enqueue/templates/{template.pk}/rename/"
    page = admin_client.post(rename, {"title": "Taken"}, follow=True).content.decode()
    assert "Not renamed: Template with this Title already exists." in page
    page = admin_client.post(f"/enqueue/templates/{template.pk}/delete/", follow=True)
    assert "Template Bill deleted." in page.content.decode()
    assert [template.title for template in Template.objects.all()] == ["Taken"]
    said = list(LogEntry.objects.order_by("id").values_list("change_message", flat=True))
    assert said == ["Renamed from Order.", "Deleted."]


def test_each_act_needs_its_permission(client, newcomer, cloud):
    template = make(body=b"a secret")
    allow(newcomer, "dashboard.add_senttask")
    acts = {
        f"/enqueue/?like=template-{template.pk}": "view",
        "/enqueue/templates/": "view",
        "/enqueue/templates/save/": "add",
        f"/enqueue/templates/{template.pk}/rename/": "change",
        f"/enqueue/templates/{template.pk}/delete/": "delete",
    }
    assert "template" not in client.get("/enqueue/").content.decode().lower()
    for path, act in acts.items():
        call = client.get if act == "view" else client.post
        answer = call(path, {} if act == "view" else FORM)
        assert answer.status_code == 403
        assert f"dashboard.{act}_template" in answer.content.decode()
    for path, act in acts.items():
        allow(newcomer, f"dashboard.{act}_template")
        call = client.get if act == "view" else client.post
        answer = call(path, {} if act == "view" else FORM | {"recipe": ""})
        assert answer.status_code in (200, 302)
        assert "a secret" not in answer.content.decode()


def test_the_admin_changes_a_title_and_no_more(admin_client):
    template = make(body=b"\xff")
    page = admin_client.get(f"/admin/dashboard/template/{template.pk}/change/").content.decode()
    assert 'name="title"' in page
    assert 'name="url"' not in page
    assert "Order" in admin_client.get("/admin/dashboard/template/").content.decode()
    assert admin_client.get("/admin/dashboard/template/add/").status_code == 403
    change = f"/admin/dashboard/template/{template.pk}/change/"
    assert admin_client.post(change, {"title": "Bill"}).status_code == 302
    template.refresh_from_db()
    assert (template.title, bytes(template.body)) == ("Bill", b"\xff")
