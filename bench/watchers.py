"""Live pages that stay open, as browsers keep them: `python -m bench.watchers`.

Each page has a connection of its own. What it polls, how often, and with which cursor next, is
what its HTML says; a call to reload is obeyed.
"""

import http.client
import json
import re
import threading
import time
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from statistics import quantiles
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request

from bench.worker import answer, messages

EVERY = re.compile(r"every (\d+)s")


class Polls(HTMLParser):
    """The parts of a page that poll: (path, seconds) by the part's id."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, tuple[str, int]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag that htmx would make ask every so many seconds."""
        given = {name: value or "" for name, value in attrs}
        every = EVERY.match(given.get("hx-trigger", ""))
        if every and (path := given.get("hx-get")):
            if more := urlencode(json.loads(given.get("hx-vals") or "{}")):
                path += f"{'&' if '?' in path else '?'}{more}"
            self.found[given["id"]] = (path, int(every[1]))


class Page(threading.Thread):
    """One page that is open until it is told to close."""

    def __init__(self, port: int, path: str, cookie: str, closing: threading.Event) -> None:
        super().__init__(daemon=True)
        self._path, self._cookie, self._closing = path, cookie, closing
        self._site, self._jar = f"http://127.0.0.1:{port}", CookieJar()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.opened = threading.Event()
        self.took: list[float] = []
        self.bad = 0

    def run(self) -> None:
        """Load the page, then ask whenever a part of it is due."""
        polls = self._load()
        self.opened.set()
        now = time.monotonic()
        due = {name: now + every for name, (_, every) in polls.items()}
        while due:
            name = min(due, key=lambda name: due[name])
            if self._closing.wait(max(0.0, due[name] - time.monotonic())):
                return
            path, every = polls[name]
            refresh, html = self._ask(path, poll=True)
            polls |= self._load() if refresh else Polls(html).found
            due[name] = max(due[name] + every, time.monotonic())

    def _load(self) -> dict[str, tuple[str, int]]:
        return Polls(self._ask(self._path)[1]).found

    def _ask(self, path: str, *, poll: bool = False) -> tuple[bool, str]:
        """Ask once; returns whether the page is to be loaded anew, and the answer."""
        asked = Request(self._site + path)  # noqa: S310  http, written above
        self._jar.add_cookie_header(asked)
        cookies = "; ".join(filter(None, [self._cookie, asked.get_header("Cookie")]))
        headers = {"Cookie": cookies} | ({"HX-Request": "true"} if poll else {})
        began = time.monotonic()
        self._connection.request("GET", path, headers=headers)
        got = self._connection.getresponse()
        self._jar.extract_cookies(got, asked)
        html = got.read().decode()
        self.took.append(time.monotonic() - began)
        self.bad += got.status not in (200, 204)
        return bool(got.headers["HX-Refresh"]), html


def log_in(port: int, user: str, password: str) -> str:
    """Log in as a browser does; returns the cookies."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/admin/login/")
    token = _cookies(connection.getresponse())["csrftoken"]
    form = {"username": user, "password": password, "csrfmiddlewaretoken": token}
    headers = {
        "Cookie": f"csrftoken={token}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    connection.request("POST", "/admin/login/", urlencode(form), headers)
    got = connection.getresponse()
    assert got.status == 302, f"not logged in: {got.status}"
    return "; ".join(f"{name}={value}" for name, value in _cookies(got).items())


def _cookies(got: http.client.HTTPResponse) -> dict[str, str]:
    got.read()
    lines = got.headers.get_all("Set-Cookie") or []
    return dict(line.partition(";")[0].split("=", 1) for line in lines)


class Watchers:
    """Pages of one server, opened and closed as the bench says."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._port, self._cookie = port, log_in(port, user, password)
        self._pages: list[Page] = []

    def open(self, paths: list[str]) -> dict[str, float]:
        """Open these pages; returns once all of them are there."""
        self._closing, self._began = threading.Event(), time.monotonic()
        self._pages = [Page(self._port, path, self._cookie, self._closing) for path in paths]
        for page in self._pages:
            page.start()
        for page in self._pages:
            assert page.opened.wait(60), "a page did not open"
            page.took.clear()
        return {"open": len(self._pages)}

    def close(self) -> dict[str, float]:
        """Close them; returns what they asked."""
        self._closing.set()
        for page in self._pages:
            page.join()
        took = [one for page in self._pages for one in page.took]
        return {
            "asked": len(took),
            "seconds": time.monotonic() - self._began,
            "bad": sum(page.bad for page in self._pages),
            "p50 ms": 1000 * quantiles(took, n=100)[49],
            "p99 ms": 1000 * quantiles(took, n=100)[98],
        }


def main() -> None:
    """Answer the bench until it has ended."""
    job: dict[str, Any]
    for job in messages():
        if "password" in job:
            watchers = Watchers(**job)
            answer({})
        else:
            answer(watchers.open(job["open"]) if "open" in job else watchers.close())


if __name__ == "__main__":
    main()
