"""The polls of live pages: few at a time, and after the deliveries."""

import asyncio
import threading
import time

from config import asgi
from config.asgi import POLLING, Pages

POLL = [(b"hx-request", b"true")]


async def ask(pages: Pages, *, method: str = "GET", headers=()) -> int:
    """Ask for a page; returns the status."""
    scope = {"type": "http", "method": method, "path": "/", "query_string": b""}
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    await pages(scope | {"http_version": "1.1", "headers": list(headers)}, receive, send)
    return sent[0]["status"]


class Django:
    """Answers by WSGI; a poll only once it is let go."""

    def __init__(self) -> None:
        self.going = threading.Event()
        self.at_once, self.most = 0, 0
        self._lock = threading.Lock()

    def __call__(self, environ, start_response):
        if "HTTP_HX_REQUEST" in environ and environ["REQUEST_METHOD"] == "GET":
            with self._lock:
                self.at_once += 1
                self.most = max(self.most, self.at_once)
            assert self.going.wait(30)
            with self._lock:
                self.at_once -= 1
        start_response("200 OK", [])
        return [b""]


def test_many_polls_leave_threads_for_all_else():
    django = Django()

    async def all_at_once():
        pages = Pages(django)
        polls = [asyncio.create_task(ask(pages, headers=POLL)) for _ in range(60)]
        asked = [await ask(pages), await ask(pages, method="POST", headers=POLL)]
        assert not any(poll.done() for poll in polls)
        django.going.set()
        return asked + await asyncio.gather(*polls)

    assert asyncio.run(all_at_once()) == [200] * 62
    assert django.most == POLLING


def test_a_poll_waits_while_deliveries_do():
    django, seen = Django(), []
    django.going.set()
    pages_wait = iter([True, True, False])

    async def one():
        pages = Pages(django)
        pages.deliveries_wait = lambda: seen.append(django.most) or next(pages_wait)
        return await ask(pages, headers=POLL)

    assert asyncio.run(one()) == 200
    assert (seen, django.most) == ([0, 0, 0], 1)


def test_polls_rest_while_deliveries_come(monkeypatch):
    monkeypatch.setattr(asgi, "POLLING", 1)
    monkeypatch.setattr(asgi, "GIVE_WAY", 60)
    django = Django()
    django.going.set()
    began = []

    def slow(environ, start_response):
        began.append(time.monotonic())
        time.sleep(0.01)
        return django(environ, start_response)

    async def two():
        pages = Pages(slow)
        waits = iter([True, False, True])
        pages.deliveries_wait = lambda: next(waits, False)
        return await ask(pages, headers=POLL), await ask(pages, headers=POLL)

    assert asyncio.run(two()) == (200, 200)
    assert began[1] - began[0] > 0.01 / asgi.SHARE - 0.01


def test_a_poll_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(asgi, "GIVE_WAY", 0.03)
    django = Django()
    django.going.set()

    async def one():
        pages = Pages(django)
        pages.deliveries_wait = lambda: True
        return await ask(pages, headers=POLL)

    assert asyncio.run(one()) == 200
    assert django.most == 1


def test_a_page_does_not_wait():
    async def one():
        pages = Pages(Django())
        pages.deliveries_wait = lambda: (_ for _ in ()).throw(AssertionError("asked"))
        return await ask(pages)

    assert asyncio.run(one()) == 200
