"""Every page that has no browser test of its own, looked at by axe-core."""

import pytest

from .looks import look, violations

PAGES = {
    "/tasks/by-name/?name=projects/demo/locations/us-central1/queues/default/tasks/none": "by-name",
    "/queues/default/edit/": "queue-edit",
    "/queues/default/purge/": "queue-purge",
    "/queues/_new/": "queue-new",
    "/admin/": "admin",
    "/admin/receiver/event/": "admin-events",
    "/admin/dashboard/senttask/": "admin-tasks",
    "/admin/password_change/": "password",
}


@pytest.mark.parametrize(("path", "name"), PAGES.items())
def test_a_page_is_accessible_light_dark_and_on_a_phone(page, path, name):
    page.goto(path)
    look(page, name)


def test_the_log_in_page_is_accessible(page):
    page.context.clear_cookies()
    page.goto("/events/")
    page.wait_for_selector("#id_username")
    look(page, "log-in")


def test_what_is_wrong_is_found(page):
    page.goto("/events/")
    page.evaluate("document.querySelector('h1').setAttribute('aria-hidden', 'maybe')")
    assert any(line.startswith("aria-valid-attr-value") for line in violations(page))
