"""The tasks' pages as a person uses them; a stack of its own, whose clock it turns."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.processes import eventually
from tests.stack import Stack

from .looks import PHONE, look


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A stack of its own: turning the clock would disturb the others."""
    with Stack(tmp_path_factory.mktemp("tasks")) as running:
        yield running


def send(stack, **options) -> str:
    """Send a task by the command, as another person would, and return its full name."""
    given = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    return stack.web.manage("enqueue", *given).strip()


def later() -> str:
    return f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"


def soon() -> str:
    return f"{datetime.now(UTC) + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}"


def test_a_failing_task_is_followed_compared_reported_and_sent_again(page, stack):
    page.goto("/enqueue/")
    page.fill("[name=body]", json.dumps({"order": 17}))
    page.fill("[name=url]", f"{stack.web.url}/receive/orders")
    page.click("label:has-text('Fail 3 times')")
    page.click("form#enqueue-form button:has-text('Enqueue')")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))
    first = page.url
    live = page.locator("#task-live")
    expect(live.locator(".pill").first).to_have_text("Done")
    expect(live).to_contain_text("Attempt 4: answered 200 OK")
    expect(live).to_contain_text("Signed by tasks@demo.iam.gserviceaccount.com")
    expect(live).to_contain_text("The sender waited")
    expect(live).to_contain_text("Round trip")
    expect(live).to_contain_text("Made: 4 attempts within")
    page.click("summary:has-text('As a table')")
    page.click("text=Every attempt with its answer (4)")
    look(page, "task")
    page.click("text=Deliver once more")
    expect(page.locator(".messagelist")).to_contain_text("Delivered once more")
    expect(page.locator("#task-live")).to_contain_text("5 arrived here")
    page.click("text=Compare attempts")
    page.select_option("#diff-a", index=0)
    page.click("button:has-text('Compare')")
    expect(page.locator("table.diff")).to_contain_text("Fail 3 times")
    look(page, "task-diff")
    page.goto(first)
    page.click("text=Report")
    expect(page.locator("#report")).to_contain_text("| Attempt 1: answered 503")
    look(page, "task-report")
    with page.expect_download() as download:
        page.click("text=Download")
    assert download.value.path().read_text().startswith("# Task `")
    page.goto(first)
    page.click("text=Send again as it was")
    page.wait_for_url(lambda url: re.search(r"/tasks/\d+/$", url) and url != first)
    expect(page.locator("#task-live .pill").first).to_have_text("Done")
    expect(page.locator("#body-pretty")).to_contain_text('"order": 17')


def test_a_task_for_tomorrow_is_run_now_fast_forwarded_and_cancelled(page, stack):
    names = [send(stack, name=f"later-{n}", schedule_time=later()) for n in range(3)]
    for name in names:
        page.goto(f"/tasks/by-name/?name={name.rpartition('/')[2]}")
        expect(page.locator("#task-live .pill").first).to_have_text("Scheduled")
        expect(page.locator("[data-until]").first).to_contain_text(
            re.compile(r"in 23 h 59 min|in 1 d")
        )
    page.uncheck("[data-live-switch]")
    look(page, "task-scheduled")
    page.check("[data-live-switch]")
    page.click("text=Cancel…")
    look(page, "task-cancel")
    page.click("button:has-text('Cancel the task')")
    expect(page.locator("#task-live .pill").first).to_have_text("Cancelled")
    page.goto(f"/tasks/by-name/?name={names[0]}")
    page.click("text=Run now")
    expect(page.locator("#task-live .pill").first).to_have_text("Done")
    page.goto(f"/tasks/by-name/?name={names[1]}")
    page.click("text=Fast-forward to the next attempt")
    expect(page.locator("#task-live .pill").first).to_have_text("Done")
    page.click("text=Back to the real time")
    expect(page.locator(".messagelist")).to_contain_text("back at the real time")


def test_lost_tasks_are_found_ticked_and_cancelled(page, stack):
    page.goto("/queues/default/")
    page.click("button:has-text('Pause')")
    for n in range(3):
        send(stack, name=f"held-{n}", url=f"{stack.web.url}/receive/held")
    send(stack, name="tomorrow", schedule_time=later())
    page.goto("/tasks/")
    page.click("text=Where did my task go?")
    held = page.locator(".missing", has_text="held-1")
    expect(held).to_contain_text("Queue paused")
    expect(held).to_contain_text("nothing is dispatched from it")
    expect(page.locator(".missing", has_text="tomorrow")).to_contain_text("Scheduled")
    page.uncheck("[data-live-switch]")
    look(page, "missing")
    page.check("[data-live-switch]")
    held.locator("a.mono").click()
    expect(page.locator("#task-live")).to_contain_text("Resume the queue")
    page.goto("/tasks/?q=held")
    expect(page.locator("#task-rows tbody tr")).to_have_count(3)
    page.evaluate("window.notReloaded = true")
    send(stack, name="held-3", url=f"{stack.web.url}/receive/held")
    expect(page.locator("#task-rows tbody tr")).to_have_count(4)
    assert page.evaluate("window.notReloaded")
    page.check("[aria-label='Tick held-0']")
    page.click("button:has-text('Cancel…')")
    expect(page.locator("main")).to_contain_text("1 of the ticked can be cancelled")
    look(page, "many")
    page.click("button:has-text('Cancel: 1')")
    expect(page.locator("#many")).to_contain_text("1 of 1 cancelled. That is all.")
    look(page, "many-going")
    page.click("text=Back to the list")
    page.select_option("#many-scope", "all")
    page.click("button:has-text('Run now…')")
    expect(page.locator("main")).to_contain_text("3 of all that match can be run now")
    page.click("button:has-text('Run now: 3')")
    expect(page.locator("#many")).to_contain_text("3 of 3 run now. That is all.")
    page.click("text=Back to the list")
    expect(page.locator("#task-rows .pill", has_text="Done")).to_have_count(3)
    expect(page.locator("#task-rows .pill", has_text="Cancelled")).to_have_count(1)
    page.check("[data-tick-all]")
    assert page.locator("[name=pk]:checked").count() == 4
    look(page, "tasks")
    page.set_viewport_size(PHONE)
    row = page.locator("#task-rows tbody tr").first
    pill, sent = (row.locator(part).bounding_box() for part in (".pill", "time"))
    assert abs(pill["y"] + pill["height"] / 2 - sent["y"] - sent["height"] / 2) < 8, "one line"
    page.goto("/queues/default/")
    page.click("button:has-text('Resume')")


def test_what_a_paused_queue_holds_is_delivered_last_due_first_and_twice(page, stack):
    stack.web.manage("create_queue", "order")
    page.goto("/queues/order/")
    page.click("button:has-text('Pause')")
    for n in range(3):
        send(stack, name=f"turn-{n}", queue="order", url=f"{stack.web.url}/receive/turn")
    page.reload()
    look(page, "queue-local")
    page.check("text=each twice")
    page.click("button:has-text('Deliver')")
    done = "Delivered 3 tasks, last due first and each twice."
    expect(page.locator(".messagelist")).to_contain_text(done)
    page.click("text=Events of this queue")
    came = page.locator("#rows tr")
    expect(came).to_have_count(6)
    first_of_each = [text for text in came.all_inner_texts() if "turn-" in text][::-1][:1]
    assert "turn-2" in first_of_each[0]
    page.goto("/queues/order/")
    page.click("button:has-text('Resume')")
    send(stack, name="in-half-an-hour", queue="order", schedule_time=soon())
    page.reload()
    page.select_option("#local-by", "3600")
    page.click("text=Fast-forward")
    expect(page.locator("main")).to_contain_text("The clock is 1 h ahead.")
    page.click("text=Back to the real time")
    expect(page.locator(".messagelist")).to_contain_text("back at the real time")
    page.goto("/tasks/?q=in-half-an-hour")
    expect(page.locator("#task-rows .pill")).to_have_text("Done")


def test_what_gave_up_is_found_and_sent_again_with_other_bytes(page, stack):
    stack.web.manage("create_queue", "once", "--max-attempts=1")
    once = page.locator("#id_queue option", has_text="once")
    eventually(lambda: page.goto("/enqueue/") and once.count())  # the list is kept for 3 s
    page.select_option("[name=queue]", label="once")
    page.fill("[name=body]", "the first try")
    page.fill("[name=url]", f"{stack.web.url}/receive/bad")
    page.click("label:has-text('Always 500')")
    page.click("form#enqueue-form button:has-text('Enqueue')")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))
    expect(page.locator("#task-live .pill").first).to_have_text("Gave up")
    look(page, "task-gave-up")
    page.goto("/tasks/")
    page.click("text=What gave up")
    row = page.locator("article.missing")
    expect(row).to_contain_text("Answered 500")
    expect(row).to_contain_text("1 attempt, sent by admin")
    look(page, "gave-up")
    row.locator("text=Edit and re-send").click()
    page.fill("[name=body]", "the second try")
    page.click("form#enqueue-form button:has-text('Enqueue')")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))
    expect(page.locator("#task-live .pill").first).to_have_text("Done")
