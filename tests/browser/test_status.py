"""The status page as a person uses it: look, run the self-test, find out what is wrong."""

import re

from playwright.sync_api import expect

from tests.browser.looks import look


def test_the_self_test_ticks_off_its_steps_and_names_what_stops_it(page):
    page.click("nav[aria-label=Main] >> text=Status")
    expect(page.locator(".health .pill-ok")).to_have_count(4)
    look(page, "status")
    page.click("text=Run the self-test")
    page.wait_for_url(re.compile(r"/status/test/\d+/$"))
    expect(page.locator("#self-test")).to_contain_text("Everything works")
    expect(page.locator(".steps .done")).to_have_count(5)
    look(page, "self-test")
    page.goto("/queues/default/")
    page.click("button:has-text('Pause')")
    try:
        page.goto("/status/")
        page.click("text=Run the self-test")
        expect(page.locator(".steps .failed")).to_contain_text("Queue default is paused")
        look(page, "self-test-failed")
        test = page.url
    finally:
        page.goto("/queues/default/")
        page.click("button:has-text('Resume')")
    page.goto(test)
    expect(page.locator("#self-test")).to_contain_text("Everything works")


def test_without_a_script_the_self_test_works_by_reload(open_page):
    page = open_page(java_script_enabled=False)
    page.goto("/status/")
    page.click("text=Run the self-test")
    for _ in range(100):
        if "Everything works" in page.inner_text("#self-test"):
            break
        page.reload()
    expect(page.locator("#self-test")).to_contain_text("Everything works")
