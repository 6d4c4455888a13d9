"""A task's whole way as a person sees it."""

import json
import re

from playwright.sync_api import expect

from tests.browser.conftest import log_in
from tests.browser.looks import look


def enqueue(page, **fields) -> None:
    """Fill the form as a person does and send it."""
    page.goto("/enqueue/")
    for name, value in fields.items():
        page.fill(f"[name={name}]", value)
    page.click("form#enqueue-form button:has-text('Enqueue')")


def test_a_task_is_enqueued_seen_to_arrive_and_opened(page, stack):
    body = {"order": 17, "note": "naïve ☕ <script>alert(1)</script>"}
    page.click("text=Enqueue a task")
    page.fill("[name=body]", json.dumps(body, ensure_ascii=False))
    page.fill("[name=headers]", "Content-Type: application/json\nX-Shop: berlin")
    page.fill("[name=url]", f"{stack.web.url}/receive/orders")
    expect(page.locator("#code-text-1")).to_contain_text("/receive/orders")
    page.click("form#enqueue-form button:has-text('Enqueue')")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))
    marked = page.evaluate("window.notReloaded = true")
    expect(page.locator("#task-live .pill")).to_have_text("Done")
    expect(page.locator("#task-live")).to_contain_text("Attempt 1: answered 200 OK")
    assert page.evaluate("window.notReloaded") is marked
    page.click("text=Attempt 1: answered 200 OK")
    page.wait_for_url(re.compile(r"/events/\d+/$"))
    expect(page.locator("#body-pretty")).to_contain_text('"order": 17')
    expect(page.locator("#body-pretty")).to_contain_text("<script>alert(1)</script>")
    expect(page.locator("main")).to_contain_text("Verified")
    expect(page.locator("main")).to_contain_text("tasks@demo.iam.gserviceaccount.com")
    expect(page.locator("main")).to_contain_text("X-Shop")
    page.click("text=Hex")
    expect(page.locator("#body-hex")).to_contain_text("00000000  7b 22 6f 72 64 65 72 22")
    with page.expect_download() as download:
        page.click("text=Download")
    assert json.loads(download.value.path().read_bytes()) == body
    page.click("text=The task as sent")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))


def test_a_task_that_fails_is_seen_retrying(page, stack):
    enqueue(page, url=f"{stack.web.url}/nowhere", body="x")
    expect(page.locator("#task-live .pill")).to_have_text("Retrying")
    expect(page.locator("#task-live")).to_contain_text("0 arrived here")


def test_a_preset_time_schedules_the_task(open_page):
    page = open_page(timezone_id="Asia/Tokyo")
    page.goto("/enqueue/")
    page.click("text=Tomorrow 09:00")
    expect(page.locator("#when-hint")).to_contain_text("Asia/Tokyo. That is ")
    expect(page.locator("#when-hint")).to_contain_text(" 00:00:00 UTC")
    page.click("form#enqueue-form button:has-text('Enqueue')")
    expect(page.locator("#task-live .pill")).to_have_text("Scheduled")
    times = page.locator("#task-live time[data-form=long]").all_inner_texts()
    assert times
    assert all(text.endswith(" 09:00:00") for text in times)


def test_a_mistake_is_said_beside_its_field_and_the_rest_kept(page):
    enqueue(page, url="ftp://x", body="kept", schedule_time="whenever", name="a b")
    for field in ("url", "schedule_time", "name"):
        expect(page.locator(f".field.wrong #id_{field}")).to_be_visible()
    expect(page.locator("[name=body]")).to_have_value("kept")
    expect(page.locator("[name=name]")).to_have_value("a b")
    expect(page.locator(".errorlist")).to_have_count(3)


def test_a_body_over_the_limit_is_not_even_sent(page):
    page.goto("/enqueue/")
    page.evaluate("document.querySelector('[name=body]').value = 'x'.repeat(3000000)")
    page.click("form#enqueue-form button:has-text('Enqueue')")
    expect(page.locator("#body-size")).to_contain_text("3,000,000 of 1,048,569 bytes")
    expect(page.locator("#body-size")).to_have_class("over")
    assert page.url.endswith("/enqueue/")
    assert page.evaluate("document.querySelector('[name=body]').value.length") == 3_000_000


def test_ctrl_enter_sends_and_tabs_answer_to_the_arrows(page):
    page.goto("/enqueue/")
    page.focus("#code-tab-1")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#code-2")).to_be_visible()
    expect(page.locator("#code-1")).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "code-tab-2"
    page.fill("[name=body]", "by key")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))


def test_a_queue_is_created_paused_edited_purged_and_deleted(page):
    page.goto("/queues/")
    page.click("text=New queue")
    page.fill("[name=name]", "by-hand")
    page.fill("[name=max_attempts]", "3")
    page.click("text=Create queue")
    expect(page.locator("main")).to_contain_text("Up to 3 attempts.")
    page.click("button:has-text('Pause')")
    expect(page.locator(".head .pill")).to_have_text("Paused")
    page.click("text=Edit limits")
    page.fill("[name=max_attempts]", "4")
    page.click("text=Review the changes")
    expect(page.locator("main tbody tr")).to_have_text(re.compile("Attempts\\s*3\\s*4"))
    look(page, "queue-review")
    page.click("text=Change the limits")
    expect(page.locator("main")).to_contain_text("Up to 4 attempts.")
    look(page, "queue")
    page.click("text=Purge…")
    page.fill("[name=name]", "by-hand")
    page.click("text=Purge the queue")
    expect(page.locator("main")).to_contain_text("Queue by-hand purged.")
    page.goto("/queues/")
    look(page, "queues")
    page.click("main >> text=by-hand")
    page.click("text=Delete…")
    look(page, "queue-delete")
    page.fill("[name=name]", "by-hand")
    page.click("text=Delete the queue")
    expect(page.locator(".messagelist")).to_contain_text("Queue by-hand deleted.")
    expect(page.locator("main tbody tr", has_text="by-hand")).to_have_count(0)


def test_what_is_typed_outlives_the_session(page):
    page.goto("/enqueue/")
    page.fill("[name=body]", "typed before")
    page.context.clear_cookies(name="sessionid")
    page.fill("[name=name]", "after-the-session")
    expect(page.locator("#codes")).to_contain_text("You are logged out.")
    other = page.context.new_page()
    log_in(other)
    other.close()
    page.fill("[name=headers]", "X-One: 1")
    expect(page.locator("#codes")).to_contain_text("after-the-session")
    page.click("form#enqueue-form button:has-text('Enqueue')")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))
    expect(page.locator("#body-raw")).to_contain_text("typed before")
