"""Takes the README's pictures anew: `python -m tests.browser.pictures [FOLDER]`.

They show a stack of their own: a week of events, queues with tasks in them, and one real task that
failed three times before it was done. The first five pages are taken light and dark.
"""

import json
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from bench.made_events import QUEUES, fill
from tests.browser.conftest import log_in
from tests.browser.png import smaller
from tests.conftest import PROGRAMS, QUIET
from tests.processes import ROOT
from tests.stack import Stack

FOLDER = ROOT / "docs/screenshots"
SIZE = {"width": 1280, "height": 800}
MOST = 150_000  # bytes of a picture
BODY = {"order": 48213, "customer": "Zoë Brandt", "total": 129.9, "currency": "EUR"}
ITEMS = [{"sku": "lamp-07", "count": 1}, {"sku": "cable-2m", "count": 3}]


def prepare(stack: Stack) -> None:
    """Store a week of events; make queues, and tasks that wait in them."""
    fill(stack.web.database.url or f"sqlite:///{stack.folder}/db.sqlite3", 6000, days=6.9)
    for name, *_ in QUEUES[1:]:
        stack.web.manage("create_queue", name, "--max-dispatches-per-second=20")
    stack.web.manage("create_queue", "orders", "--min-backoff=0.5", "--max-attempts=8")
    now = datetime.now(UTC)
    waiting = [
        {
            "queue": queue,
            "name": f"{queue}-{now + timedelta(hours=pause * n):%m%d-%H%M}-{4100 + 37 * n}",
            "url": f"{stack.web.url}/receive/{queue}",
            "body": BODY | {"order": 48214 + n},
            "schedule_time": f"{now + timedelta(hours=pause * n):%FT%TZ}",
        }
        for queue, pause, count in (("emails", 0.4, 13), ("nightly-reports", 24, 6))
        for n in range(1, count)
    ]
    file = stack.folder / "waiting.jsonl"
    file.write_text("\n".join(map(json.dumps, waiting)))
    stack.web.manage("enqueue", f"--jsonl={file}")


def walk(page: Page, url: str) -> dict[str, str]:
    """Send the task that fails and is done at last; return where each picture is taken."""
    log_in(page)
    page.goto("/enqueue/")
    page.select_option("#id_queue", "orders")
    page.fill("#id_url", f"{url}/receive/orders")
    page.fill("#id_name", "order-48213")
    page.fill("#id_headers", "Content-Type: application/json\nX-Tenant: lamps")
    page.fill("#id_body", json.dumps(BODY | {"items": ITEMS}, ensure_ascii=False, indent=2))
    page.check("text=Fail 3 times with 503, then work")
    page.click("#enqueue-form button:has-text('Enqueue and watch')")
    expect(page.locator("#task-live .pill").first).to_have_text("Done", timeout=60_000)
    task = page.url.removeprefix(url)
    page.locator("#task-live a[href^='/events/']").last.click()
    page.wait_for_url("**/events/*/")
    event = page.url.removeprefix(url)
    like = f"/enqueue/?like=task-{task.split('/')[-2]}"
    batch = send_batch(page, url)
    return {
        "overview": "/",
        "event": event,
        "task": task,
        "enqueue": like,
        "queue": "/queues/emails/",
        "events": "/events/?q=order",
        "tasks": "/tasks/",
        "batch": batch,
        "queues": "/queues/",
        "replies": "/replies/",
        "status": "/status/",
    }


def send_batch(page: Page, url: str) -> str:
    """Send copies of one form; return where their batch is."""
    page.goto("/batches/new/")
    page.fill("#id_url", f"{url}/receive/copies")
    page.fill("#id_body", '{"order": {{n}}, "id": "{{uuid}}"}')
    page.fill("#id_count", "40")
    page.click("role=button[name=Check]")
    page.click("role=button[name='Send 40 tasks']")
    expect(page.locator(".head .pill")).to_have_text("Finished")
    return page.url.removeprefix(url)


def take(browser: Browser, url: str, folder: Path) -> None:
    """Write a picture of each page, of the first five in the dark, too."""
    context = browser.new_context(base_url=url, viewport=SIZE, reduced_motion="reduce")
    page = context.new_page()
    for number, (name, path) in enumerate(walk(page, url).items()):
        for scheme in ("light", "dark") if number < 5 else ("light",):
            page.emulate_media(color_scheme=scheme)
            page.goto(path)
            page.wait_for_load_state("networkidle")
            picture = smaller(page.screenshot())
            assert len(picture) <= MOST, f"{name}-{scheme}.png has {len(picture):,} bytes"
            (folder / f"{name}-{scheme}.png").write_bytes(picture)
    context.close()


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as var, Stack(Path(var)) as stack:
        prepare(stack)
        program = next(filter(None, map(shutil.which, PROGRAMS)))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=QUIET)
            take(browser, stack.web.url, folder)
            browser.close()


if __name__ == "__main__":
    main()
