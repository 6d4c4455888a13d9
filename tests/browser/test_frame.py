"""What every page has around it: the box, the keys, the times' zone, the pace of what is live."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looks import look

HIDE = """value => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
  document.dispatchEvent(new Event("visibilitychange"));
}"""

# What has the focus: its place in the page, whether that is seen, and its text.
STOP = """() => {
  const one = document.activeElement;
  const isRinged = ({ outlineStyle, outlineWidth, boxShadow }) =>
    (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
  const box = one.getBoundingClientRect();
  const inSight = box.width > 0 && box.bottom > 0 && box.top < innerHeight;
  const ring = [one, one.closest("label") ?? one].some((each) => isRinged(getComputedStyle(each)));
  const place = one === document.body ? "BODY" : [...document.querySelectorAll("*")].indexOf(one);
  return [place, inSight && ring, one.outerHTML.slice(0, 200)];
}"""


@pytest.fixture
def send(stack):
    def send_one(name: str, body: str = "x") -> None:
        stack.web.manage("enqueue", f"--name={name}", f"--body-content={body}")

    return send_one


def test_the_box_and_the_keys_lead_everywhere(page, send):
    send("first-row")
    send("second-row")
    page.goto("/events/")
    expect(page.locator("#rows tr", has_text="second-row")).to_be_visible()
    expect(page.locator("#rows tr", has_text="first-row")).to_be_visible()
    for key in ("j", "j", "k"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.closest('tr').rowIndex") == 1
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/events/\d+/$"))
    number = page.url.rstrip("/").rpartition("/")[2]
    page.goto("/tasks/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))
    page.keyboard.press("r")
    page.wait_for_url(re.compile(r"/enqueue/\?like=task-\d+$"))
    page.fill("[name=body]", "")
    page.press("[name=body]", "n")
    page.press("[name=body]", "?")
    expect(page.locator("[name=body]")).to_have_value("n?")
    expect(page.locator("#keys-sheet")).to_be_hidden()
    page.goto("/status/")
    page.keyboard.press("/")
    page.keyboard.type(f"event-{number}")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/events/{number}/$"))
    page.keyboard.press("n")
    page.wait_for_url(re.compile(r"/enqueue/$"))
    page.fill("#jump-above", "default")
    page.press("#jump-above", "Enter")
    page.wait_for_url(re.compile(r"/queues/default/$"))


def test_the_sheet_names_the_keys_and_switches_them_off(page):
    page.goto("/queues/")
    page.keyboard.press("?")
    expect(page.locator("#keys-sheet")).to_be_visible()
    look(page, "keys")
    page.uncheck("#keys-on")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.press("?")
    expect(page.locator("#keys-sheet")).to_be_hidden()
    page.click("#keys-button")
    page.check("#keys-on")
    page.click("text=Close")
    page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.keyboard.press("n")
    page.wait_for_url(re.compile(r"/enqueue/$"))


def test_no_key_is_taken_while_something_is_typed(page):
    page.goto("/events/")
    for field in ("#jump-above", "main input[type=search]"):
        page.click(field)
        page.keyboard.type("/njkrc.t?")
        expect(page.locator(field)).to_have_value("/njkrc.t?")
        assert page.evaluate("location.pathname + location.search") == "/events/"
        expect(page.locator("#keys-sheet")).to_be_hidden()


def test_the_sheet_takes_the_focus_and_gives_it_back(page):
    page.goto("/queues/")
    page.focus("#keys-button")
    page.keyboard.press("Enter")
    expect(page.locator("#keys-sheet")).to_be_visible()
    for _ in range(4):  # round and round, never behind it
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    page.keyboard.press("Escape")
    expect(page.locator("#keys-sheet")).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "keys-button"


@pytest.mark.parametrize("path", ["/", "/events/", "/enqueue/", "/queues/default/", "/admin/"])
def test_each_stop_of_the_tab_key_can_be_seen(page, path):
    page.goto(path)
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        stop, shown, text = page.evaluate(STOP)
        if stop in seen or stop == "BODY":
            break
        assert shown, f"{path}: {text} has the focus, and nothing shows it"
        seen.add(stop)
    assert len(seen) > 15


def test_c_copies_curl_or_selects_it_where_there_is_no_clipboard(page):
    page.goto("/enqueue/")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.locator("h1").click()
    page.keyboard.press("c")
    expect(page.locator("#code-2 [data-copy]")).to_have_text("Press Ctrl+C")
    assert page.evaluate("getSelection().toString()").startswith("curl")


def test_times_turn_to_utc_and_stay_so(open_page, send):
    send("in-a-zone")
    page = open_page(timezone_id="Asia/Tokyo", viewport={"width": 1440, "height": 900})
    page.goto("/events/")
    time = page.locator("#rows time").first
    utc = time.get_attribute("datetime")
    page.click("#times-button")
    expect(page.locator("#times-button")).to_have_text("UTC")
    expect(time).to_contain_text(utc[11:16])
    expect(time).to_have_attribute("title", re.compile(r"in Asia/Tokyo \(shown in UTC\)"))
    page.reload()
    expect(page.locator("#rows time").first).to_contain_text(utc[11:16])
    page.goto("/enqueue/")
    page.click("text=Tomorrow 09:00")
    expect(page.locator("[name=schedule_time]")).to_have_value(re.compile(" 09:00:00$"))
    page.click("#times-button")
    expect(page.locator("#times-button")).to_have_text("Local time")


def test_a_page_behind_another_counts_in_its_title(page, send):
    page.goto("/events/")
    title = page.title()
    page.evaluate(HIDE, True)
    page.evaluate("lastPoll.clear()")
    send("unread-row")
    page.evaluate("lastPoll.clear(); htmx.trigger('#poller', 'live-now')")
    expect(page).to_have_title(re.compile(rf"^\(\d+\) {re.escape(title)}$"))
    page.evaluate(HIDE, False)
    expect(page).to_have_title(title)


def test_the_pace_is_chosen_and_kept_and_a_full_stop_switches_it(page):
    page.goto("/events/")
    page.select_option("[data-live-every]", "15")
    page.reload()
    expect(page.locator("[data-live-every]")).to_have_value("15")
    poller = "document.getElementById('poller')"
    page.evaluate("lastStir = Date.now()")
    assert page.evaluate(f"pauseOf({poller})") == 14900
    page.evaluate("lastStir = 0")
    assert page.evaluate(f"pauseOf({poller})") == 15000
    page.select_option("[data-live-every]", "2")
    page.evaluate("lastStir = Date.now()")
    assert page.evaluate(f"pauseOf({poller})") == 0
    page.locator("h1").click()
    page.keyboard.press(".")
    expect(page.locator("[data-live-switch]")).not_to_be_checked()
    page.keyboard.press(".")
    expect(page.locator("[data-live-switch]")).to_be_checked()


def test_on_a_phone_more_has_the_rest_and_on_paper_there_is_the_page_alone(open_page):
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True)
    page.click(".bottom-bar summary")
    look(page, "more")
    page.fill("#jump-below", "default")
    page.press("#jump-below", "Enter")
    page.wait_for_url(re.compile(r"/queues/default/$"))
    page.emulate_media(media="print")
    for part in ("#header", ".bottom-bar"):
        expect(page.locator(part)).to_be_hidden()
    expect(page.locator("h1")).to_be_visible()
