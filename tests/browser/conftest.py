"""A real browser on the real thing; what it complains about fails the test that made it.

Playwright's loop runs in this thread, where Django then refuses its ORM: no test here uses it.
"""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.stack import PASSWORD

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def chromium():
    """The system's Chromium, for one module: its loop must end before other tests go on."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing = "NO BROWSER TEST RUN: there is no chromium here (Debian: apt install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, stack):
    """Make logged-in pages with the options of a browser context; complaints fail at the end."""
    contexts, complaints = [], []

    def open_one(**options):
        context = chromium.new_context(base_url=stack.web.url, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda r: complaints.append(f"{r.url}: {r.failure}"))
        log_in(page)
        return page

    yield open_one
    for context in contexts:
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
