"""The enqueue form as a person uses it: recipe, plan, code, paste, templates; and watching it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looks import look
from tests.processes import eventually


@pytest.fixture(scope="module")
def quick(stack):
    """A queue that tries again soon."""
    stack.web.manage("create_queue", "quick", "--min-backoff=0.2", "--max-attempts=6")
    return "quick"


def test_a_recipe_is_chosen_the_plan_and_code_follow_and_the_task_is_watched(page, stack, quick):
    mine = page.locator("#id_queue option", has_text=quick)
    eventually(lambda: page.goto("/enqueue/") and mine.count())  # the list is kept for 3 s
    page.select_option("#id_queue", quick)
    expect(page.locator("#plan")).to_contain_text(
        "At most 6 attempts: now, +0.2 s, +0.4 s, +0.8 s, +1.6 s, +3.2 s; gives up about"
    )
    expect(page.locator("#plan circle")).to_have_count(6)
    page.fill("#id_url", f"{stack.web.url}/receive/recipes")
    page.fill("#id_body", '{"watch": "me"}')
    page.check("text=Fail 3 times with 503, then work")
    page.fill("#id_name", "watched-once")
    expect(page.locator("#code-text-1")).to_contain_text("create-http-task watched-once")
    expect(page.locator("#code-text-1")).to_contain_text("--queue=quick")
    expect(page.locator("#name-help")).to_contain_text("This name is free.")
    page.click("role=tab[name=curl]")
    expect(page.locator("#code-text-2")).to_contain_text('--data-raw \'{"watch": "me"}\'')
    look(page, "enqueue")
    page.focus("#id_body")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))
    expect(page.locator("main")).to_contain_text("Fail 3 times with 503, then work")
    expect(page.locator("#task-live .pill").first).to_have_text("Done")
    expect(page.locator("#task-live")).to_contain_text("503")
    rows = stack.web.rows(
        "SELECT status FROM receiver_event WHERE task = 'watched-once' ORDER BY id"
    )
    assert rows == [(503,), (503,), (503,), (200,)]
    page.goto("/enqueue/")
    page.select_option("#id_queue", quick)
    page.fill("#id_name", "watched-once")
    expect(page.locator("#name-help")).to_contain_text("the name rests")
    page.click("role=button[name='the next']")
    expect(page.locator("#id_name")).to_have_value("watched-once-2")
    expect(page.locator("#name-help")).to_contain_text("This name is free.")


def test_recipes_are_offered_for_this_receiver_alone(page, stack):
    page.goto("/enqueue/")
    page.check("text=Always 500")
    page.fill("#id_url", "http://localhost:9/else")
    expect(page.locator("#recipes")).to_be_hidden()
    page.fill("#id_url", f"{stack.web.url}/nowhere")
    expect(page.locator("#recipes")).to_be_visible()
    expect(page.locator("#warnings")).to_contain_text("Nothing takes tasks at /nowhere")


def test_a_browser_s_curl_is_pasted_and_sent(page, stack):
    page.goto("/enqueue/")
    page.click("text=Paste a curl or gcloud command")
    page.fill(
        "#id_command",
        f"curl '{stack.web.url}/receive/pasted?a=1' \\\n  -X 'PUT' \\\n  -H 'X-Shop: berlin' \\\n"
        "  -b 'session=secret' \\\n  --data-raw $'it\\'s \\u2615\\nhere' \\\n  --compressed",
    )
    look(page, "enqueue-paste")
    page.click("text=Fill the form")
    expect(page.locator(".filled")).to_contain_text("Filled from the curl command")
    expect(page.locator(".filled")).to_contain_text("a task carries no cookies")
    expect(page.locator("#id_method")).to_have_value("PUT")
    expect(page.locator("#id_body")).to_have_value("it's ☕\nhere")
    expect(page.locator("#id_headers")).to_have_value(re.compile("^X-Shop: berlin\n"))
    look(page, "enqueue-filled")
    page.click("text=Enqueue and watch")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))
    expect(page.locator("#task-live .pill").first).to_have_text("Done")
    sql = "SELECT body, method FROM receiver_event WHERE path = '/receive/pasted'"
    ((body, method),) = stack.web.rows(sql)
    assert (bytes(body), method) == ("it's ☕\nhere".encode(), "PUT")


def test_a_template_is_saved_used_renamed_and_deleted(page):
    page.goto("/enqueue/templates/")
    expect(page.locator("main")).to_contain_text("No templates yet")
    look(page, "templates-none")
    page.click("text=← Enqueue")
    page.fill("#id_body", "from a template")
    page.click("text=Save as a template")
    page.fill("#id_title", "Morning order")
    page.click("role=button[name=Save]")
    expect(page.locator(".messagelist")).to_contain_text("Saved as template Morning order.")
    page.goto("/enqueue/")
    page.click("nav.recent >> text=Morning order")
    expect(page.locator("#id_body")).to_have_value("from a template")
    page.click("role=button[name=Enqueue]")
    expect(page.locator(".messagelist")).to_contain_text("Sent as")
    expect(page.locator("#id_body")).to_have_value("from a template")
    page.click(".head >> text=Templates")
    page.click("summary:has-text('Change')")
    look(page, "templates")
    page.fill("main [name=title]", "Evening order")
    page.click("text=Rename")
    page.click("summary:has-text('Change Evening order')")
    page.click("text=Delete Evening order")
    expect(page.locator("main")).to_contain_text("No templates yet")


def test_without_a_script_a_form_sent_after_the_session_comes_back(open_page, stack):
    page = open_page(java_script_enabled=False)
    page.goto("/enqueue/")
    page.fill("#id_body", "typed\n\n before")
    page.check("text=Drop the connection")
    page.context.clear_cookies(name="sessionid")
    page.click("text=Enqueue and watch")
    expect(page.locator("main")).to_contain_text("nothing has been sent")
    page.fill("#id_username", "admin")
    page.fill("#id_password", stack.web.environment["DJANGO_SUPERUSER_PASSWORD"])
    page.click("main >> role=button[name='Log in']")
    expect(page.locator("#id_body")).to_have_value("typed\n\n before")
    expect(page.locator("text=Drop the connection")).to_be_checked()
    page.check("text=Works")
    page.click("text=Enqueue and watch")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))
    expect(page.locator("#body-raw")).to_contain_text("typed")
