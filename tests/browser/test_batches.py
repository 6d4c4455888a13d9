"""Batches as a person sends them: copies, a CSV with errors, stop and resume, no script."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looks import look

WAITING = "one-a-second"


@pytest.fixture(scope="module")
def waiting(stack):
    """A queue that keeps what it is given for later, so that the receiver is left in peace."""
    stack.web.manage("create_queue", WAITING, "--max-dispatches-per-second=1")
    return WAITING


def batch_of(page):
    return int(re.search(r"/batches/(\d+)/", page.url)[1])


def test_copies_are_checked_sent_and_arrive(page, stack):
    page.goto("/batches/?before=1")
    expect(page.locator("main")).to_contain_text("No batch here.")
    look(page, "batches-none")
    page.goto("/enqueue/")
    page.fill("#id_url", f"{stack.web.url}/receive/copies")
    page.fill("#id_body", '{"order": {{n}}, "id": "{{uuid}}"}')
    page.click("text=Send many of these")
    expect(page.locator("#id_body")).to_have_value('{"order": {{n}}, "id": "{{uuid}}"}')
    page.fill("#id_count", "0")
    page.fill("#id_every", "x")
    page.click("role=button[name=Check]")
    expect(page.locator(".field.wrong")).to_have_count(2)
    look(page, "batch-new")
    page.fill("#id_count", "25")
    page.fill("#id_every", "")
    page.click("role=button[name=Check]")
    expect(page.locator("main")).to_contain_text("25 rows: 25 can be sent, 0 cannot.")
    expect(page.locator("table.list tbody tr").first).to_contain_text('{"order": 1, "id": "')
    page.click("role=button[name='Send 25 tasks']")
    expect(page.locator(".head .pill")).to_have_text("Finished")
    expect(page.locator(".sum")).to_have_text("25 of 25")
    sql = "SELECT count(DISTINCT body), count(*) FROM receiver_event WHERE path = ?"
    page.click("text=Their events")
    expect(page.locator("#rows tr")).to_have_count(25)
    assert stack.web.rows(sql, ["/receive/copies"]) == [(25, 25)]
    page.go_back()
    page.click("text=Its tasks")
    expect(page.locator("table.list tbody tr")).to_have_count(25)
    look(page, "batch-tasks")


def test_a_csv_with_errors_is_shown_by_row_stopped_resumed_and_finished(
    page, stack, waiting, tmp_path
):
    page.goto("/batches/new/")
    page.check("text=CSV")
    expect(page.locator("#id_count")).to_be_hidden()
    rows = [f"city {n},{n}" for n in range(1, 120)]
    file = tmp_path / "orders.csv"
    file.write_text("\n".join(["city,price", *rows, "no price", 'a "quoted" <b>city</b>,7']))
    page.set_input_files("#id_file", file)
    page.fill("#id_queue", waiting)
    page.fill("#id_url", f"{stack.web.url}/receive/csv?city={{{{city|url}}}}")
    page.fill("#id_body", '{"city": {{city|json}}}')
    page.click("role=button[name=Check]")
    expect(page.locator("main")).to_contain_text("121 rows: 120 can be sent, 1 cannot.")
    expect(page.locator("main")).to_contain_text("Nothing uses the column price")
    expect(page.locator("#errors")).to_contain_text("Fields: 1; columns in the first line: 2.")
    look(page, "batch-dry-run")
    with page.expect_download() as download:
        page.click("text=All as CSV")
    assert download.value.path().read_text().splitlines()[1].startswith("120,,")
    held = []
    page.route(
        "**/slice/*", lambda route: held.append(route)
    )  # so that it can be stopped, however fast this is
    page.click("role=button[name='Send 120 tasks without the 1 wrong row']")
    expect(page.locator(".sum")).to_have_text("0 of 120")
    look(page, "batch-sending")
    page.click("role=button[name=Stop]")
    expect(page.locator(".head .pill")).to_have_text("Stopped")
    page.click("text=Give up the 120 left")
    expect(page.locator("main")).to_contain_text("120 rows have not been sent.")
    look(page, "batch-give-up")
    page.click("text=Keep them")
    page.unroute("**/slice/*")
    assert held
    page.goto("/batches/")
    expect(page.locator("table.list tbody tr").first).to_contain_text("Stopped")
    look(page, "batches")
    page.click("table.list tbody tr >> nth=0 >> a")
    second = page.context.new_page()  # two pages send at once
    page.click("role=button[name=Resume]")
    second.goto(page.url)
    expect(page.locator(".head .pill")).to_have_text("Finished", timeout=60_000)
    expect(page.locator(".sum")).to_have_text("120 of 120")
    expect(second.locator(".head .pill")).to_have_text("Finished")
    look(page, "batch-finished")
    pk = batch_of(page)
    sql = "SELECT count(DISTINCT url), count(*) FROM dashboard_senttask WHERE batch_id = ?"
    assert stack.web.rows(sql, [pk]) == [(120, 120)]


def test_without_a_script_a_button_sends_the_next_slice(open_page, stack, waiting):
    page = open_page(java_script_enabled=False)
    page.goto("/batches/new/")
    page.fill("#id_queue", waiting)
    page.fill("#id_count", "3")
    page.context.clear_cookies(name="sessionid")
    page.click("role=button[name=Check]")
    page.fill("#id_username", "admin")
    page.fill("#id_password", stack.web.environment["DJANGO_SUPERUSER_PASSWORD"])
    page.click("main >> role=button[name='Log in']")
    expect(page.locator("#id_count")).to_have_value("3")
    expect(page.locator("main")).to_contain_text("Nothing has been sent.")
    page.click("role=button[name=Check]")
    page.click("role=button[name='Send 3 tasks']")
    expect(page.locator(".sum")).to_have_text("0 of 3")
    page.click("text=Send the next slice")
    expect(page.locator(".sum")).to_have_text("3 of 3")
    expect(page.locator(".head .pill")).to_have_text("Finished")
