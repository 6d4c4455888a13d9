"""The events' list as a person uses it: search, choose, page, and watch."""

import pytest
from playwright.sync_api import expect

from .looks import look


@pytest.fixture(scope="module")
def filled(stack):
    """A queue of its own whose events nobody else's test brings or counts."""
    program = """
from datetime import timedelta
from django.utils import timezone
from receiver import text
from receiver.models import Event, Refusal
now = timezone.now()
bodies = [b'{"customer": "na\\\\u00efve & co", "total": 12.50}', b"plain text of an order"]
for n in range(120):
    body = bodies[n % 2]
    Event.objects.create(queue="shop", task=f"order-{n}", body=body, body_size=len(body),
        preview=text.preview(body), received_at=now - timedelta(minutes=3 * (120 - n)),
        method="POST", path="/receive", retry_count=n % 3, status=503 if n % 10 == 0 else 200,
        outcome="failed" if n % 10 == 0 else "succeeded",
        headers=[["Content-Type", "application/json"], ["X-Shard", str(n % 4)]],
        caller_account="tasks@demo.iam.gserviceaccount.com", caller_check="verified")
for n in range(5):
    Event.objects.create(queue="gone", task=f"gone-{n // 2}", body=b"short lived %d" % n,
        body_size=13, received_at=now - timedelta(days=400 if n == 4 else 1, minutes=-n),
        method="POST", path="/receive", retry_count=n % 2, headers=[["X-Try", str(n)]],
        caller_check="verified")
Event.objects.create(queue="default", task="whole-1", body=bodies[0], body_size=len(bodies[0]),
    received_at=now - timedelta(days=2), method="POST", path="/receive", caller_check="verified",
    headers=[["Content-Type", "application/json"]])
Refusal.objects.create(reason="audience", minute=now, count=3, queue="shop", task="order-1",
    account="tasks@demo.iam.gserviceaccount.com", audience="https://else.example")
"""
    stack.web.manage("shell", "-c", program)


def test_a_person_finds_an_event(page, filled):
    page.goto("/events/")
    page.select_option("#filter-queue", "shop")
    expect(page).to_have_url("/events/?queue=shop")
    expect(page.locator("#rows tr")).to_have_count(50)
    look(page, "events")
    page.fill("#filter-q", "naïve header:x-shard=0 status:5xx")
    page.keyboard.press("Enter")
    expect(page.locator("#rows tr")).to_have_count(6)
    expect(page.locator("#rows")).to_contain_text("order-100")
    expect(page).to_have_url("/events/?q=na%C3%AFve+header%3Ax-shard%3D0+status%3A5xx&queue=shop")
    page.reload()
    expect(page.locator("#rows tr")).to_have_count(6)
    page.click("a.clear")
    expect(page.locator("#filter-q")).to_have_value("")


def test_what_cannot_be_read_is_explained_and_kept(page, filled):
    page.goto("/events/")
    page.fill("#filter-q", "staus:500")
    page.click("#event-filters button")
    expect(page.locator("#filter-problem")).to_contain_text("Did you mean status: ?")
    expect(page.locator("#filter-q")).to_have_value("staus:500")
    expect(page.locator("#search-help")).to_contain_text("header:x-shard=7")
    look(page, "events-help")
    page.fill("#filter-q", "status:503")
    page.keyboard.press("Enter")
    expect(page.locator("#filter-problem")).to_have_count(0)


def test_pages_go_to_the_oldest_and_back(page, filled):
    page.goto("/events/?queue=shop")
    page.click("#older")
    expect(page.locator("#rows tr").first).to_contain_text("order-69")
    look(page, "events-older")
    page.click("#oldest")
    expect(page.locator("#rows tr").last).to_contain_text("order-0")
    page.click("#newer")
    expect(page.locator("#rows tr").last).to_contain_text("order-50")
    page.click("#newest")
    expect(page.locator("#rows tr").first).to_contain_text("order-119")


def test_two_times_are_in_the_zone_of_the_reader(open_page, filled):
    page = open_page(timezone_id="Asia/Tokyo")
    page.goto("/events/?queue=shop&from=2026-01-31T10:00:01&to=2026-01-31T11:00:01")
    expect(page.locator(".zone").first).to_have_text("(Asia/Tokyo)")
    expect(page.locator("#filter-from")).to_have_value("2026-01-31T19:00:01")
    page.click("#event-filters button")
    expect(page).to_have_url(
        "/events/?queue=shop&from=2026-01-31T10%3A00%3A01&to=2026-01-31T11%3A00%3A01"
    )
    page.select_option("#filter-period", "24h")
    expect(page).to_have_url("/events/?queue=shop&period=24h")


def test_a_refusal_says_what_mends_it(page, filled):
    page.goto("/events/?show=refusals")
    first = page.locator(".refusal", has_text="order-1").first
    first.locator("summary").click()
    expect(first).to_contain_text("The token is for another audience than this receiver.")
    expect(first.locator("pre")).to_be_visible()
    look(page, "refusals")


def test_two_attempts_are_compared(page, filled):
    page.goto("/events/?q=task:gone-0")
    expect(page.locator("#rows tr")).to_have_count(2)
    page.click("text=Compare two")
    expect(page.locator(".messagelist")).to_contain_text("Tick the two events")
    page.check("[data-tick-all]")
    page.click("text=Compare two")
    expect(page.locator("table.diff")).to_contain_text("X-Try")
    expect(page.locator("table.diff")).to_contain_text("short lived 1")
    expect(page.locator("table.diff")).not_to_contain_text("/receive")


def test_what_matches_is_counted_then_deleted(page, filled):
    page.goto("/events/?q=short+lived+task%3Agone-1")
    expect(page.locator("#rows tr")).to_have_count(2)
    page.select_option("#many-scope", "all")
    page.click("button[value=delete]")
    expect(page.locator("form.narrow")).to_contain_text("2 of all that match can be deleted.")
    look(page, "events-delete")
    page.click("text=Delete: 2")
    expect(page.locator("#many")).to_contain_text("2 of 2 deleted. That is all.")
    page.click("text=Back to the list")
    expect(page.locator("#empty")).to_have_text("No event matches.")


def test_retention_says_what_will_go_and_then_deletes_it(page, filled):
    page.goto("/events/")
    page.click(".foot >> text=Retention")
    page.fill("#keep-days", "none")
    page.click("text=Count what would go")
    expect(page.locator("#days-problem")).to_contain_text("A whole number from 1 to 36,500.")
    page.fill("#keep-days", "300")
    page.click("text=Count what would go")
    expect(page.locator("form.after")).to_contain_text("Will delete 1 event, received from")
    look(page, "retention")
    page.click("text=Delete 1…")
    page.click("text=Delete: 1")
    expect(page.locator("#many")).to_contain_text("1 of 1 deleted. That is all.")
    page.goto("/events/retention/?days=300")
    expect(page.locator("form.after")).to_contain_text("Nothing to delete")


def test_an_event_is_read_as_json_text_and_bytes_and_sent_again(page, filled):
    page.goto("/events/?q=task:whole-1")
    page.click("text=whole-1")
    expect(page.locator("#body-pretty")).to_contain_text('"naïve & co"')
    page.click("#tab-raw")
    expect(page.locator("#body-raw")).to_contain_text("na\\u00efve")
    page.click("#tab-hex")
    expect(page.locator("#body-hex")).to_contain_text("00000000  7b 22 63 75 73 74 6f 6d")
    with page.expect_download() as download:
        page.click("text=Download")
    assert download.value.path().read_bytes() == b'{"customer": "na\\u00efve & co", "total": 12.50}'
    page.click("#tab-pretty")
    look(page, "event")
    page.click("text=Re-send as it was")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".timeline")).to_contain_text("Sent by admin")
