"""Replies as a person uses them: from a recipe, tried, watched, switched off, deleted."""

import re

from playwright.sync_api import expect

from tests.browser.looks import look


def test_a_reply_is_made_from_a_recipe_tried_and_deleted(page, stack):
    empty = "from receiver.models import Reply; Reply.objects.all().delete()"
    stack.web.manage("shell", "-c", empty)
    page.click("nav[aria-label=Main] >> text=Replies")
    expect(page.locator("main")).to_contain_text("the receiver answers everything with 200")
    look(page, "replies-none")
    page.click("text=Fail 3 times with 503, then work")
    page.fill("[name=path]", "/receive/broken*")
    page.fill("[name=times]", "1")
    page.fill("[name=status]", "199")
    page.click("text=Add the reply")
    expect(page.locator(".field.wrong .errorlist")).to_contain_text("200")
    look(page, "reply-wrong")
    page.fill("[name=status]", "418")
    page.click("text=Add the reply")
    row = page.locator("main tbody tr", has_text="/receive/broken*")
    expect(row).to_contain_text("of 1, 1 left")
    look(page, "replies")
    row.locator("text=Try it").click()
    page.wait_for_url(re.compile(r"/tasks/\d+/"))
    expect(page.locator("main")).to_contain_text("418")
    page.goto("/replies/")
    expect(page.locator("main tbody tr .pill")).to_have_text("Used up")
    page.click("text=Count anew")
    expect(page.locator("#replies-active tbody tr")).to_contain_text("of 1, 1 left")
    page.click("text=Switch off")
    expect(page.locator("main tbody tr .pill")).to_have_text("Off")
    page.click("main tbody a")
    look(page, "reply")
    page.click("text=Delete…")
    look(page, "reply-delete")
    page.click("text=Delete the reply")
    expect(page.locator(".messagelist")).to_contain_text("deleted.")
    expect(page.locator("main tbody tr")).to_have_count(0)
