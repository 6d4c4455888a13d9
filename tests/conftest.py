"""What tests of several packages share."""

import os
import shutil

import pytest

from tests.stack import Stack

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


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """The whole thing, running, for every test that only uses it."""
    with Stack(tmp_path_factory.mktemp("stack"), METRICS="1") as running:
        yield running


@pytest.fixture(scope="module")
def chromium():
    """The system's Chromium, for one module: its loop must end before other tests go on."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing = "NO BROWSER TEST RUN: there is no chromium here (Debian: apt install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    from playwright.sync_api import sync_playwright  # most tests need none of it

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()
