"""The target of every task, in a process of its own: `python -m bench.sink`.

A raw HTTP server. `/WAIT/ID/SENT` is answered with 200 after WAIT seconds and noted.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from bench.worker import Worker, answer, messages

Hit = tuple[str, float, float, float]  # id, sent, arrived, answered: seconds of the machine's clock


class Sink(Worker):
    """The bench's end of it."""

    def __init__(self) -> None:
        super().__init__("sink")
        self.url = f"http://127.0.0.1:{self.hear()}"

    def count(self) -> int:
        """Return how many requests were answered since the last `take`."""
        return int(self.ask("count"))

    def take(self) -> list[Hit]:
        """Return the requests answered so far, in that order, and forget them."""
        return [tuple(hit) for hit in self.ask("take")]

    def wait_for(self, count: int, seconds: float = 60.0) -> list[Hit]:
        """Return what was answered once it is `count` requests or the time is up."""
        deadline = time.monotonic() + seconds
        while self.count() < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.take()


class Answering(asyncio.Protocol):
    """One connection."""

    hits: list[Hit]

    def connection_made(self, transport: Any) -> None:
        """Begin with nothing received."""
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[:end].lower()
            _, found, rest = head.partition(b"\r\ncontent-length:")
            length = int(rest.partition(b"\r\n")[0]) if found else 0
            if len(self.received) < end + 4 + length:
                return
            path = self.received.split(b" ", 2)[1]
            self.received = self.received[end + 4 + length :]
            self.note(path.decode(), b"connection: close" in head)

    def note(self, path: str, close: bool) -> None:
        """Answer one request now or later."""
        arrived = time.monotonic()
        _, wait, name, sent = path.split("/")

        def reply() -> None:
            if self.transport.is_closing():  # its sender was ended: no answer, no hit
                return
            self.hits.append((name, float(sent), arrived, time.monotonic()))
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            if close:
                self.transport.close()

        if float(wait):
            asyncio.get_running_loop().call_later(float(wait), reply)
        else:
            reply()


async def serve() -> None:
    """Listen, say where, and answer the bench until it has ended."""
    loop = asyncio.get_running_loop()
    Answering.hits = []
    server = await loop.create_server(Answering, "127.0.0.1", 0, backlog=4096)
    answer(server.sockets[0].getsockname()[1])
    ended = asyncio.Event()
    threading.Thread(target=_listen, args=(loop, ended.set), daemon=True).start()
    await ended.wait()


def _listen(loop: asyncio.AbstractEventLoop, end: Callable[[], None]) -> None:
    for message in messages():
        loop.call_soon_threadsafe(_tell, message)
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(end)


def _tell(message: str) -> None:
    hits = Answering.hits
    answer(len(hits) if message == "count" else hits)
    if message == "take":
        Answering.hits = []


if __name__ == "__main__":
    sys.exit(asyncio.run(serve()))
