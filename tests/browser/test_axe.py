"""Every page there is, looked at by axe-core: light, dark and on a phone; a new one is missed here.

What a page shows in its other states is looked at by the tests of what one does there.
"""

import contextlib
import json
import re
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib import admin
from django.urls import NoReverseMatch, reverse

from dashboard import self_test, urls
from tests.browser.conftest import log_in
from tests.browser.looks import troubles, violations
from tests.faults.counts import ON_POSTGRESQL
from tests.processes import eventually
from tests.stack import GUNICORN, WebProcess

PREFIX = "projects/demo/locations/us-central1/queues/default"
# By the name of each URL: where to look, with the numbers of a task, an event and a reply.
PAGES = {
    "overview": "/",
    "events": "/events/",
    "event": "/events/{event}/",
    "retention": "/events/retention/",
    "enqueue": "/enqueue/",
    "templates": "/enqueue/templates/",
    "tasks": "/tasks/",
    "tasks-missing": "/tasks/missing/",
    "task-by-name": f"/tasks/by-name/?name={PREFIX}/tasks/none",
    "task-by-name-report": f"/tasks/by-name/report/?name={PREFIX}/tasks/none",
    "task-diff": "/tasks/diff/?a={event}&b={event}",
    "task-cancel": f"/tasks/cancel/?name={PREFIX}/tasks/looked-at-later",
    "task": "/tasks/{task}/",
    "task-report": "/tasks/{task}/report/",
    "tasks-gave-up": "/tasks/gave-up/",
    "batches": "/batches/",
    "batch-new": "/batches/new/",
    "batch": "/batches/{batch}/",
    "batch-cancel": "/batches/{batch}/cancel/",
    "batch-delete": "/batches/{batch}/delete/",
    "queues": "/queues/",
    "queue-create": "/queues/_new/",
    "queue": "/queues/default/",
    "queue-edit": "/queues/default/edit/",
    "queue-purge": "/queues/default/purge/",
    "queue-delete": "/queues/default/delete/",
    "replies": "/replies/",
    "reply-new": "/replies/new/",
    "reply": "/replies/{reply}/",
    "reply-delete": "/replies/{reply}/delete/",
    "status": "/status/",
    "self-test": "/status/test/{self_test}/",
}
# What shows no page of its own to a GET; the others are acts, which a GET is refused.
PARTS = {
    "jump": "/jump/",
    "event-rows": "/events/rows/",
    "event-body": "/events/{event}/body/",
    "event-export": "/events/export/csv/",
    "batch-errors": "/batches/{batch}/errors.csv",
}
ACTS = {
    *("log-in-again", "enqueue-paste", "template-save", "template-rename", "template-delete"),
    *("enqueue-code", "tasks-many", "task-run", "task-forward", "task-twice", "task-again"),
    *("task-resend", "queue-pause", "queue-resume", "reply-switch", "reply-recount", "reply-try"),
    *("event-resend", "self-test-start", "queue-forward", "queue-deliver", "batch-fill"),
    *("batch-slice", "batch-send", "batch-stop", "batch-resume", "batch-retry"),
    "events-many",
}
# Of the stock admin, beside the list and one row of each model.
ADMIN = [
    *("/admin/", "/admin/receiver/", "/admin/auth/group/add/", "/admin/auth/user/add/"),
    *("/admin/auth/user/1/history/", "/admin/auth/user/1/password/", "/admin/auth/user/1/delete/"),
    *("/admin/password_change/", "/admin/password_change/done/"),
]


@pytest.fixture(scope="module")
def numbers(stack, tmp_path_factory):
    """Something for each page to show: a delivered task, one for later, a self-test, a reply."""
    file = tmp_path_factory.mktemp("axe") / "tasks.jsonl"
    tasks = [
        {"name": "looked-at", "url": f"{stack.web.url}/receive/looked-at", "body": '{"order": 17}'},
        {
            "name": "looked-at-later",
            "url": f"{stack.web.url}/receive/later",
            "schedule_time": "tomorrow",
        },
        {"name": "looked-at-step", "url": stack.web.url + self_test.PATH},
    ]
    tasks[1]["schedule_time"] = f"{datetime.now(UTC) + timedelta(days=1):%FT%TZ}"
    file.write_text("\n".join(map(json.dumps, tasks)))
    stack.web.manage("enqueue", f"--jsonl={file}")
    return {
        "event": eventually(lambda: _number(stack, "receiver_event", "task", "looked-at")),
        "task": _number(stack, "dashboard_senttask", "task_id", "looked-at"),
        "self_test": _number(stack, "dashboard_senttask", "task_id", "looked-at-step"),
    }


def _number(stack, table, column, value):
    found = stack.web.rows(f"SELECT max(id) FROM {table} WHERE {column} = ?", [value])  # noqa: S608
    return found[0][0]


def looked(page, name: str) -> list[str]:
    """What is wrong with a page; it looks the same whichever database it comes from."""
    assert page.locator("h1").count() == 1, name
    return [] if ON_POSTGRESQL else troubles(page, name)


def test_every_url_is_a_page_that_is_looked_at_or_is_none():
    names = {"overview", *(pattern.name for pattern in urls.urlpatterns)}
    assert names == PAGES.keys() | PARTS.keys() | ACTS


def test_every_page_is_accessible_light_dark_and_on_a_phone(page, numbers):
    found, made = [], numbers | {"reply": _reply(page), "batch": _batch(page)}
    for name, path in PAGES.items():
        assert page.goto(path.format(**made)).status == 200, name
        found += looked(page, name)
    for path in PARTS.values():
        answer = page.request.get(path.format(**made), max_redirects=0)
        assert "<html" not in answer.text(), path
    for name in ACTS:
        assert page.request.get(_address(name)).status == 405, name
    # Other tests look at these lists while they are empty.
    page.goto(PAGES["reply-delete"].format(**made))
    page.click("text=Delete the reply")
    page.wait_for_url(re.compile("/replies/$"))
    page.goto(PAGES["batch-delete"].format(**made))
    page.click("button:has-text('Delete the batch')")
    page.wait_for_url(re.compile("/batches/$"))
    assert found == []


def _reply(page) -> int:
    page.goto("/replies/new/")
    page.fill("[name=name]", "Looked at")
    page.fill("[name=queue]", "nothing-comes-from-here")
    page.click("text=Add the reply")
    page.click("main tbody a:has-text('Looked at')")
    page.wait_for_url(re.compile(r"/replies/\d+/$"))
    return int(page.url.split("/")[-2])


def _batch(page) -> int:
    page.goto("/batches/new/")
    page.fill("#id_count", "2")
    page.click("role=button[name=Check]")
    page.wait_for_url(re.compile(r"/batches/\d+/$"))
    return int(page.url.split("/")[-2])


def _address(name: str) -> str:
    for values in ({}, {"pk": 1}, {"name": "default"}):
        with contextlib.suppress(NoReverseMatch):
            return reverse(name, kwargs=values)
    raise AssertionError(name)


def test_the_admin_s_own_pages_are_accessible_in_the_same_frame(page, numbers):
    found = []
    for path in ADMIN:
        page.goto(path)
        found += looked(page, path)
    for model in admin.site._registry:
        page.goto(f"/admin/{model._meta.app_label}/{model._meta.model_name}/")
        found += looked(page, f"admin-{model._meta.model_name}s")
        row = page.locator("#result_list tbody th a").first
        if row.count():
            page.goto(row.get_attribute("href"))
            found += looked(page, f"admin-{model._meta.model_name}")
    assert found == []


@pytest.fixture
def unwatched(chromium, stack):
    """Make pages that may answer with an error, which the browser complains about."""
    contexts = []

    def open_one(base_url=stack.web.url, **options):
        context = chromium.new_context(
            base_url=base_url, viewport={"width": 1440, "height": 900}, **options
        )
        contexts.append(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()


def test_what_a_stranger_sees_is_accessible(unwatched, stack, logged_in):
    page, found = unwatched(), []
    page.goto("/events/")
    found += looked(page, "log-in")
    for _ in range(6):
        page.fill("#id_username", "nobody-at-all")
        page.fill("#id_password", "wrong")
        page.click("input[type=submit]")
    assert "Too many tries to log in. Wait 15 minutes" in page.inner_text(".errornote")
    found += looked(page, "log-in-limited")
    assert page.goto("/nowhere/").status == 404
    found += looked(page, "not-found-stranger")
    # Every name below localhost is this machine to the browser, and nobody to the service.
    port = stack.web.address[1]
    assert page.goto(f"http://other.localhost:{port}/events/").status == 400
    found += looked(page, "wrong-host")
    page.goto("/events/")
    page.context.clear_cookies()
    page.evaluate("document.querySelector('form').submit()")
    page.wait_for_selector("text=The form has expired")
    found += looked(page, "expired-stranger")
    page.goto("/")
    log_in(page)
    page.click("text=Log out")
    page.wait_for_selector("text=Logged out")
    found += looked(page, "logged-out")
    assert found == []


def test_what_goes_wrong_for_staff_is_accessible_and_in_the_frame(unwatched, logged_in, stack):
    page, found = unwatched(storage_state=logged_in), []
    assert page.goto("/nowhere/").status == 404
    found += in_the_frame(page, "not-found")
    assert page.goto("/admin/receiver/event/add/").status == 403
    found += in_the_frame(page, "refused")
    assert page.goto("/events/?queue=%00").status == 400
    found += looked(page, "unreadable")
    page.goto("/queues/default/purge/")
    page.context.clear_cookies(name="csrftoken")
    page.evaluate("document.querySelector('main form').submit()")
    page.wait_for_selector("text=The form has expired")
    found += in_the_frame(page, "expired")
    page.goto("/enqueue/")
    page.evaluate("document.querySelector('[name=body]').value = 'x'.repeat(9 * 2 ** 20)")
    page.evaluate("document.getElementById('enqueue-form').submit()")
    page.wait_for_selector("text=Too large")
    found += in_the_frame(page, "too-large")
    assert found == []


def in_the_frame(page, name: str) -> list[str]:
    assert page.is_visible("#nav-sidebar"), name
    return looked(page, name)


def test_a_fault_of_ours_and_a_database_away_have_pages_that_stand_alone(
    unwatched, logged_in, stack
):
    web = WebProcess(stack.web.folder, database=stack.web.database)
    web.environment = stack.web.environment
    web.program = [sys.executable, "-m", "tests.faults.faulty", "broken_pages", *GUNICORN[1:]]
    web.start()
    try:
        page = unwatched(web.url, storage_state=logged_in)
        assert page.goto("/events/").status == 500
        assert "Something went wrong here" in page.inner_text("h1")
        found = looked(page, "fault")
        assert page.goto("/tasks/").status == 503
        assert "The database cannot be reached" in page.inner_text("h1")
        assert found + looked(page, "away") == []
    finally:
        web.process.end()
        web.listening.close()


def test_what_is_wrong_is_found(page):
    page.goto("/events/")
    page.evaluate("document.querySelector('h1').setAttribute('aria-hidden', 'maybe')")
    assert any(line.startswith("aria-valid-attr-value") for line in violations(page))


def test_what_is_wrong_in_the_dark_alone_is_found(page):
    page.goto("/events/")
    page.evaluate("document.querySelector('h1').style.color = '#444'")
    assert [line.split(":")[0] for line in troubles(page, "events")] == ["events, dark"]
