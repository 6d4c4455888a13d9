"""Every page: narrow, dark, live, and without a complaint of the browser."""

import re
import time
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

PATHS = [
    "/",
    "/events/",
    "/events/?show=refusals",
    "/enqueue/",
    "/tasks/",
    "/tasks/by-name/?name=projects/demo/locations/us-central1/queues/default/tasks/none",
    "/queues/",
    "/queues/default/",
    "/queues/default/edit/",
    "/queues/default/purge/",
    "/queues/_new/",
    "/admin/",
    "/admin/receiver/event/",
    "/admin/dashboard/senttask/",
    "/admin/password_change/",
]


@pytest.fixture
def send(stack):
    """Send a task by the command, as another person would."""

    def send_one(**options) -> str:
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        return stack.web.manage("enqueue", *arguments).strip()

    return send_one


# Polls that the page itself holds back: this listener runs after its own.
COUNT_HELD = """window.held = 0;
document.addEventListener("htmx:beforeRequest", e => { held += e.defaultPrevented ? 1 : 0; });"""
UNLABELLED = """[...document.querySelectorAll("main :is(input, select, textarea, button)")]
.filter(e => e.type !== "hidden" && !e.hidden && e.getAttribute("aria-hidden") !== "true")
.filter(e => !(e.labels && e.labels.length) && !e.getAttribute("aria-label"))
.filter(e => !e.textContent.trim() && !e.value).map(e => e.outerHTML)"""


def until(page, condition: str, seconds: float = 15) -> None:
    """Look again and again; the page's policy forbids Playwright's own way of waiting."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(50)


def follow(page, path: str) -> None:
    """Go where the first row of a list leads."""
    page.goto(path)
    page.locator("main tbody a").first.click()
    page.wait_for_url(re.compile(rf"{path}\d+/$"))


def assert_fits(page) -> None:
    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window, urlsplit(page.url).path


def test_no_page_scrolls_sideways_on_a_phone(open_page, send):
    send(body_content="x" * 500)
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True)
    for path in PATHS:
        page.goto(path)
        assert_fits(page)
        expect(page.locator(".bottom-bar")).to_be_visible()
        expect(page.locator("#nav-sidebar")).to_be_hidden()
    page.goto("/events/")
    expect(page.locator("#rows tr").first).to_be_visible()
    for path in ("/events/", "/tasks/"):
        follow(page, path)
        assert_fits(page)


def background(page) -> int:
    """Return how bright the page's ground is, 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return max(int(part) for part in re.findall(r"\d+", colour)[:3])


def test_dark_follows_the_system_and_the_switch_goes_against_it(open_page):
    page = open_page(color_scheme="dark")
    for path in PATHS[:5]:
        page.goto(path)
        assert background(page) < 40
    page.click(".theme-toggle")
    assert background(page) > 200
    page.goto("/admin/")
    assert background(page) > 200


def test_every_page_is_quiet_and_has_one_heading_and_labels(page):
    for path in PATHS:
        page.goto(path)
        assert page.locator("h1").count() == 1, path
        assert page.evaluate(UNLABELLED) == [], path


def test_the_event_list_shows_what_arrives_without_a_reload(page, send):
    page.goto("/events/")
    page.evaluate("window.notReloaded = true")
    send(name="live-row", body_content="just now")
    row = page.locator("#rows tr", has_text="live-row")
    expect(row).to_be_visible()
    expect(row).to_contain_text("just now")
    assert page.locator("#rows tr", has_text="live-row").count() == 1
    assert page.evaluate("window.notReloaded")
    row.locator("a").click()
    page.wait_for_url(re.compile(r"/events/\d+/$"))


def test_new_rows_wait_behind_a_bar_while_the_reader_is_elsewhere(open_page, send):
    page = open_page(viewport={"width": 900, "height": 300})
    page.goto("/events/")
    send(name="before-scrolling")
    expect(page.locator("#rows tr", has_text="before-scrolling")).to_be_visible()
    page.locator("#rows tr a").first.focus()
    send(name="while-reading")
    expect(page.locator("#new-rows")).to_have_text("1 new")
    assert page.locator("#rows tr", has_text="while-reading").count() == 0
    page.click("#new-rows")
    expect(page.locator("#rows tr", has_text="while-reading")).to_be_visible()
    expect(page.locator("#new-rows")).to_be_hidden()


def test_live_can_be_switched_off_and_stays_off(page, send, stack):
    page.goto("/events/")
    colour = "getComputedStyle(document.querySelector('.live .dot')).backgroundColor"
    on = page.evaluate(colour)
    page.uncheck("[data-live-switch]")
    assert page.evaluate(colour) != on
    page.goto("/events/")
    expect(page.locator("[data-live-switch]")).not_to_be_checked()
    assert page.evaluate(colour) != on
    polls = []
    page.on("request", lambda request: polls.append(request.url))
    page.evaluate(COUNT_HELD)
    send(name="unseen")
    until(page, "window.held >= 2")
    assert not [url for url in polls if "/events/rows/" in url]
    page.check("[data-live-switch]")
    expect(page.locator("#rows tr", has_text="unseen")).to_be_visible()


def test_the_first_tab_stop_leads_past_the_navigation(page):
    page.goto("/events/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-to-content-link"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#content-start"


def test_times_are_shown_in_the_reader_s_zone_and_utc_on_hover(open_page, send):
    send(name="timed")
    page = open_page(timezone_id="Asia/Tokyo")
    page.goto("/tasks/")
    time = page.locator("tbody time").first
    expect(time).to_have_attribute("title", re.compile(r"UTC \(shown in Asia/Tokyo\)"))
    utc = time.get_attribute("datetime")
    hour = (int(utc[11:13]) + 9) % 24
    assert f"{hour:02}{utc[13:16]}" in time.inner_text()
