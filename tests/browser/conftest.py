"""A real browser on the real thing; what it complains about fails the test that made it.

Playwright's loop runs in this thread, where Django then refuses its ORM: no test here uses it.
"""

import pytest

from tests.stack import PASSWORD


@pytest.fixture(scope="module")
def logged_in(chromium, stack):
    """The cookies of somebody who has logged in: a password is slow to check."""
    page = chromium.new_page(base_url=stack.web.url)
    log_in(page)
    state = page.context.storage_state()
    page.context.close()
    return state


@pytest.fixture
def open_page(chromium, stack, logged_in):
    """Make logged-in pages with the options of a browser context; complaints fail at the end."""
    contexts, complaints = [], []

    def open_one(**options):
        context = chromium.new_context(base_url=stack.web.url, storage_state=logged_in, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda r: complaints.append(f"{r.url}: {r.failure}"))
        page.goto("/")
        return page

    yield open_one
    for context in contexts:
        for page in context.pages:
            page.goto("about:blank")  # Chromium may not close what is being loaded
        context.close()
    # A poll that was under way when its page was left is no failure.
    assert [text for text in complaints if "net::ERR_ABORTED" not in text] == []


@pytest.fixture
def page(open_page):
    """A logged-in page of 1440 by 900."""
    return open_page(viewport={"width": 1440, "height": 900})


def log_in(page) -> None:
    page.goto("/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    page.wait_for_selector("#overview")
