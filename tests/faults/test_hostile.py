"""Hostile texts, taken by the real receiver and looked at in a real browser: all stay text.

`make test` looks at a few of each kind, FAULTS=full at all 200 on every page that shows them.
"""

import csv
import io
import json
import re
import sys
import threading
from base64 import b64decode
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import quote, quote_from_bytes

import pytest
from playwright.sync_api import Error

from tests.browser.conftest import log_in
from tests.faults.counts import times
from tests.faults.hostile import payloads, request, send
from tests.stack import GUNICORN, WebProcess

# As labels, one is a name that leads to its own pages, and the other is none.
HARMLESS = [b"only text, nothing else", b"only-text"]
MANY, SOME = times(12, 200), times(2, 200)
# What a spreadsheet calculates, full-width forms too.
FORMULA = re.compile("[ ]*[=+@\t\r\n\uff1d\uff0b\uff0d\uff20-]")
# What a page has that is not our own.
ALIENS = Path(__file__).with_name("aliens.js").read_text(encoding="utf-8")
WATCH = """window.reports = [];
document.addEventListener("securitypolicyviolation", (event) => {
  reports.push(`${event.violatedDirective} ${event.blockedURI}`);
});"""
# Each element's name and its attributes' names, but for what stands in a box of code.
SHAPE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.localName === "pre" || !one.closest("pre"))
  .map((one) => [one.localName, ...one.getAttributeNames().sort()].join(" "))"""


@pytest.fixture(scope="module")
def sent(stack, tmp_path_factory):
    """A token for the receiver, of a task that went elsewhere, and tasks that carry payloads."""
    got, arrived = [], threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(self.headers["Authorization"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            arrived.set()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        account = "tasks@demo.iam.gserviceaccount.com"
        elsewhere = f"http://127.0.0.1:{server.server_address[1]}/"
        lines = [{"url": elsewhere, "account": account, "audience": stack.web.url}]
        lines += [_task(stack.web.url, text) for text in payloads()[:SOME]]
        lines.append(
            lines[1] | {"schedule_time": f"{datetime.now(UTC) + timedelta(hours=1):%FT%TZ}"}
        )
        file = tmp_path_factory.mktemp("hostile") / "tasks.jsonl"
        file.write_text("\n".join(map(json.dumps, lines)))
        names = stack.web.manage("enqueue", f"--jsonl={file}").split()
        assert arrived.wait(30)
        server.shutdown()
    keys = [
        stack.web.rows("SELECT id FROM dashboard_senttask WHERE name = ?", [name])[0][0]
        for name in names
    ]
    return got[0], keys[1:]


def _task(url: str, payload: bytes) -> dict:
    """A task as the form takes it: a body is any text, a header and a path have their bounds."""
    text = payload.decode(errors="replace")
    header = re.sub(r"[^ -~]", "", text)[:300].strip() or "x"
    path = quote_from_bytes(payload[:200], safe="'<>\"")
    body = text if len(text) < 1000 else text[:1000]
    return {"url": f"{url}/receive/sent/{path}", "body": body, "headers": {"X-Hostile": header}}


@pytest.fixture(scope="module")
def hostile(stack, sent):
    """The ids of the stored events: the harmless ones first, then one for each payload."""
    chosen = [*HARMLESS, *payloads()[:MANY]]
    host, token = f"localhost:{stack.web.address[1]}", sent[0]
    for number, payload in enumerate(chosen):
        assert send(stack.web.address, request(number, payload, token, host)) == 200, payload
        if number % 5 == 2:  # and some that are turned away, whose claims are shown
            assert send(stack.web.address, request(number, payload, "none", host)) == 401
    rows = stack.web.rows(
        "SELECT id, body FROM receiver_event WHERE path >= '/receive/p0' AND path < '/receive/p3' "
        "ORDER BY id"
    )
    assert [bytes(body)[5:] for _, body in rows] == chosen
    return [key for key, _ in rows]


@pytest.fixture(scope="module")
def watched(chromium, stack):
    """A logged-in page that knows of dialogs and of reports of the policy."""
    with watching(chromium, stack.web.url) as page:
        log_in(page)
        yield page


@contextmanager
def watching(chromium, url: str, **options):
    context = chromium.new_context(base_url=url, reduced_motion="reduce", **options)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.dialogs, page.seen = [], 0
    page.on("dialog", lambda dialog: (page.dialogs.append(dialog.message), dialog.dismiss()))
    page.add_init_script(WATCH)
    yield page
    context.close()


def aliens(page, path: str) -> list[str]:
    """Go there, and return what is on the page that is not our own."""
    try:
        answer = page.goto(path)
        assert answer.status in (200, 400), path  # 400: a text that names no task
        page.seen += 1
        return [*page.evaluate(ALIENS), *page.dialogs]
    except Error as error:  # the page went elsewhere by itself
        return [str(error)]


def test_no_page_that_shows_an_event_has_an_element_more_than_for_harmless_text(
    watched, hostile, tell
):
    before, shapes = watched.seen, {}
    for view in ("/events/{}/", "/admin/receiver/event/{}/change/"):
        shapes[view] = Counter()
        for harmless in hostile[:2]:
            assert aliens(watched, view.format(harmless)) == []
            shapes[view] |= Counter(watched.evaluate(SHAPE))
    for number, key in enumerate(hostile[2:]):
        for view, shape in shapes.items():
            if view.startswith("/admin/") and number % times(4, 1):
                continue
            path = view.format(key)
            assert aliens(watched, path) == [], path
            more = Counter(watched.evaluate(SHAPE)) - shape
            assert not [one for one in more.elements() if not _of_pretty(one)], (path, more)
    tell(f"{MANY} hostile texts received, on {watched.seen - before} pages of one: no element more")


def _of_pretty(shape: str) -> bool:
    """Whether this belongs to the tab of a body that happens to be JSON, or to a cut one."""
    return shape.startswith(("button aria-controls", "div aria-labelledby", "pre ", "p class"))


def test_lists_filters_and_forms_show_it_as_text(watched, hostile, tell):
    before = watched.seen
    paths = ["/", "/events/", "/events/?show=refusals", "/status/", "/tasks/", "/queues/"]
    paths += ["/admin/receiver/event/", "/admin/receiver/refusal/", "/replies/"]
    pairs = zip(hostile[2:], hostile[3:], strict=False)
    for payload, (a, b) in zip(payloads()[:SOME], pairs, strict=False):
        text = quote(payload.replace(b"\0", b"")[:500])
        paths += [f"/enqueue/?like=event-{a}", f"/tasks/diff/?a={a}&b={b}"]
        paths += [f"/events/?q={text}", f"/events/?queue=q{text}", f"/tasks/by-name/?name={text}"]
        paths += [f"/jump/?q={text}", f"/tasks/?q={text}"]
    for path in paths:
        assert aliens(watched, path) == [], path
    tell(f"{SOME} hostile texts on {watched.seen - before} lists, searches and forms: all text")


def test_what_was_sent_is_text_on_each_page_of_a_task(watched, sent, tell):
    before = watched.seen
    paths = ["/tasks/", "/tasks/missing/", "/queues/default/", "/admin/dashboard/senttask/"]
    for key in sent[1]:
        paths += [f"/tasks/{key}/", f"/tasks/{key}/report/", f"/enqueue/?like=task-{key}"]
        paths.append(f"/admin/dashboard/senttask/{key}/change/")
    for path in paths:
        assert aliens(watched, path) == [], path
    tell(f"{SOME} hostile texts sent, on {watched.seen - before} pages: all text")


def test_a_body_leaves_as_a_file_that_nothing_opens(watched, hostile, tell):
    for payload, key in zip(payloads(), hostile[2:], strict=False):
        answer = watched.request.get(f"/events/{key}/body/")
        assert answer.body()[5:] == payload
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
    tell(f"{MANY} hostile bodies as files: each exact, each an attachment")


def test_an_export_is_a_file_in_which_no_cell_is_a_formula(watched, hostile, tell):
    lines = {}
    for form in ("csv", "ndjson"):
        answer = watched.request.get(f"/events/export/{form}/")
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        lines[form] = answer.body().decode()
    rows = csv.DictReader(io.StringIO(lines["csv"], newline=""))
    usual = csv.field_size_limit(1 << 30)  # the dashboard's own is that of an upload
    table = {int(row["id"]): row for row in rows}
    csv.field_size_limit(usual)
    objects = {one["id"]: one for one in map(json.loads, lines["ndjson"].strip("\n").split("\n"))}
    for payload, key in zip(payloads(), hostile[2:], strict=False):
        assert not [cell for cell in table[key].values() if FORMULA.match(cell)]
        found = objects[key]
        body = found.get("body", "").encode() or b64decode(found.get("body_base64", ""))
        assert body[5:] == payload
    assert [row for row in table.values() if row["retry_reason"].startswith("'")]
    tell(f"{MANY} hostile texts as CSV and NDJSON: no formula, each exact")


def test_what_staff_types_is_text_too(watched):
    text = "<img src=x onerror=alert(1)>{{ 7*7 }}\u202e"
    watched.goto("/replies/new/")
    watched.fill("[name=name]", text)
    watched.click("text=Add the reply")
    assert "only characters that can be seen" in watched.inner_text(".errorlist")
    watched.fill("[name=name]", text[:-1])
    watched.fill("[name=body]", text)
    watched.fill("[name=queue]", "nothing-comes-from-here")
    watched.click("text=Add the reply")
    for path in ("/replies/", "/admin/receiver/reply/", "/admin/"):
        assert aliens(watched, path) == [], path
    watched.goto("/replies/")
    watched.click("main tbody a")
    watched.wait_for_url("**/replies/*/")
    assert watched.evaluate(ALIENS) == []
    watched.click("text=Delete…")
    watched.wait_for_url("**/replies/*/delete/")
    assert watched.evaluate(ALIENS) == []
    watched.click("text=Delete the reply")
    watched.goto("/enqueue/")
    watched.fill("[name=body]", text)
    watched.fill("[name=headers]", "X-Hostile: <b id=hostile>")
    watched.click("form#enqueue-form button:has-text('Enqueue and watch')")
    watched.wait_for_url("**/tasks/*/")
    assert watched.evaluate(ALIENS) == []
    assert watched.dialogs == []


def test_each_is_one_line_of_the_log(stack, hostile, tell):
    lines = [line for line in stack.web.process.output.splitlines() if "received event: p" in line]
    marks = Counter(line.partition("received event: ")[2][:5] for line in lines)
    assert set(marks.values()) == {1}
    assert len(marks) == len(hostile)
    for line in lines:
        assert line.isprintable(), line
    tell(f"{MANY} hostile bodies in the log: one line each, of characters that can be seen")


def test_a_template_that_trusts_what_was_received_is_found(chromium, stack, watched, hostile, tell):
    mutant = WebProcess(stack.web.folder, database=stack.web.database)
    mutant.environment = stack.web.environment
    mutant.program = [sys.executable, "-m", "tests.faults.faulty", "unescaped", *GUNICORN[1:]]
    mutant.start()
    try:
        kept = watched.context.storage_state()  # a cookie is of a host, whatever its port
        with watching(chromium, mutant.url, storage_state=kept) as page:
            looked = hostile[: times(7, 202)]
            found = [key for key in looked if aliens(page, f"/events/{key}/")]
            assert len(found) >= len(looked) // 4
            assert not {*hostile[:2]} & {*found}
            assert aliens(page, "/events/")
        tell(f"a template with |safe: found by {len(found)} of {len(looked) - 2} hostile texts")
    finally:
        mutant.process.end()
        mutant.listening.close()
