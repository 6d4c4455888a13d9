"""The overview as a person reads it: a period, a queue, what failed, live."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from bench.made_events import fill
from tests.stack import Stack

from .conftest import log_in
from .looks import look


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A stack of its own, with a week of events in it."""
    with Stack(tmp_path_factory.mktemp("busy")) as running:
        fill(running.web.database.url or f"sqlite:///{running.folder}/db.sqlite3", 4000, days=6.5)
        yield running


@pytest.fixture
def page(chromium, busy):
    context = chromium.new_context(base_url=busy.web.url, viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(15_000)
    page = context.new_page()
    complaints = []
    page.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
    log_in(page)
    yield page
    context.close()
    assert complaints == []


def tile(page, label: str):
    return page.locator(".tile", has_text=label).locator("b")


def test_a_period_is_chosen_and_read_in_charts_and_as_a_table(page, busy):
    page.goto("/")
    page.click(".segments >> text=7 d")
    page.wait_for_url(re.compile(r"\?period=7d$"))
    stored = busy.web.rows("SELECT count(*) FROM receiver_event")[0][0]
    expect(tile(page, "Events")).to_have_text(f"{stored:,}")
    failed = busy.web.rows("SELECT count(*) FROM receiver_event WHERE outcome = 'failed'")[0][0]
    expect(tile(page, "Failed")).to_have_text(f"{failed:,}")
    look(page, "overview-7d")
    page.click("text=Both charts as a table")
    assert page.locator(".as-table tbody tr").count() == 56
    page.click(".segments >> text=1 h")
    page.wait_for_url(re.compile(r"\?period=1h$"))
    look(page, "overview-1h")


def test_a_queue_s_failures_are_one_click_away(page):
    page.goto("/?period=7d")
    row = page.locator("table.queues tr", has_text="billing-webhooks")
    count = row.locator("td").nth(5).inner_text()
    row.locator("td").nth(5).locator("a").click()
    page.wait_for_url(re.compile(r"/events/\?show=failed&queue=billing-webhooks$"))
    shown = page.locator("#rows tr").count()
    assert shown == min(int(count.replace(",", "")), 50)


def test_what_arrives_shows_without_a_reload(page, busy):
    page.goto("/")
    page.evaluate("window.notReloaded = true")
    busy.web.manage("enqueue", "--name=seen-live", "--body-content=x")
    expect(page.locator("#overview tr", has_text="seen-live").first).to_be_visible(timeout=30_000)
    assert page.evaluate("window.notReloaded")
    look(page, "overview")
    page.locator("#overview tr", has_text="seen-live").first.locator("a").click()
    page.wait_for_url(re.compile(r"/events/\d+/$"))


def test_a_day_is_the_day_of_the_reader(chromium, busy):
    context = chromium.new_context(base_url=busy.web.url, timezone_id="Asia/Tokyo")
    page = context.new_page()
    log_in(page)
    page.goto("/?period=24h")
    label = page.locator("text[data-hour]").first
    at = datetime.fromisoformat(label.get_attribute("data-hour")).astimezone(UTC)
    assert label.text_content() == f"{(at.hour + 9) % 24:02}:00"
    context.close()
