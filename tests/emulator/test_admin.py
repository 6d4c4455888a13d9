"""The admin pages: everything is shown, nothing can be changed."""

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from emulator.claims import claim_due
from emulator.look_only import shown
from emulator.models import Attempt, Task
from emulator.reports import Report
from emulator.sender import Answer
from emulator.work import Work
from tests.emulator.conftest import NOW

pytestmark = pytest.mark.django_db(databases=["default", "emulator"])


@pytest.fixture
def staff():
    client = Client()
    client.force_login(User.objects.create_superuser("alice"))
    return client


def page(staff, name, *args):
    response = staff.get(reverse(f"admin:emulator_{name}", args=args))
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def tried(stored_queue, store_task):
    task = store_task("tried")
    (order,) = claim_due(Work(NOW), queue_pk=stored_queue.pk, allow=lambda queue: 1).orders
    answer = Answer(503, [("X-Why", "<b>busy</b>")], b"<script>alert(1)</script>" + b"x" * 2000)
    Report(order, answer)(Work(NOW))
    return task


def test_lists_show_queues_and_tasks(staff, stored_queue, tried):
    assert stored_queue.name in page(staff, "queue_changelist")
    tasks = page(staff, "task_changelist")
    assert "tried" in tasks
    assert "retrying" in tasks
    assert "tried" not in page_filtered(staff, "outcome=done")


def page_filtered(staff, query):
    response = staff.get(reverse("admin:emulator_task_changelist") + f"?{query}")
    return response.content.decode().split('id="result_list"')[-1] if response else ""


def test_a_task_shows_its_attempts_as_inert_text(staff, tried):
    html = page(staff, "task_change", tried.pk)
    assert "POST http://127.0.0.1/x" in html
    assert "503" in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert" not in html
    assert "X-Why: &lt;b&gt;busy&lt;/b&gt;" in html
    assert "x" * 999 in html
    assert "x" * 1001 not in html
    assert "body" in html
    assert "X-CloudTasks-TaskName: tried" in html


def test_an_attempt_shows_the_whole_answer(staff, tried):
    attempt = Attempt.objects.get()
    assert str(attempt.pk) in page(staff, "attempt_changelist")
    html = page(staff, "attempt_change", attempt.pk)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "x" * 2000 in html
    assert "POST http://127.0.0.1/x" in html
    assert "X-Why: &lt;b&gt;busy&lt;/b&gt;" in html


def test_a_queue_shows_its_limits(staff, stored_queue):
    html = page(staff, "queue_change", stored_queue.pk)
    assert "500.0" in html


@pytest.mark.parametrize("model", ["queue", "task"])
def test_nothing_can_be_changed(staff, stored_queue, tried, model):
    pk = stored_queue.pk if model == "queue" else tried.pk
    for action in ("add", "delete", "change"):
        args = [] if action == "add" else [pk]
        response = staff.post(reverse(f"admin:emulator_{model}_{action}", args=args), {})
        assert response.status_code == 403


def test_a_list_costs_the_same_however_long_it_is(staff, store_task, tried):
    def queries():
        with CaptureQueriesContext(connections["emulator"]) as captured:
            page(staff, "task_changelist")
        assert not any('"emulator_task"."spec"' in each["sql"] for each in captured)
        return len(captured)

    before = queries()
    for number in range(20):
        store_task(f"t{number}")
    assert queries() == before
    assert Task.objects.count() == 21


def test_text_that_acts_is_shown_as_what_it_is():
    assert shown(b"a\n\x1b[31m\xff\x00") == "a\n\\x1b[31m\\xff\\x00"
    assert shown("\u202egnp".encode()) == "\\u202egnp"
