"""The senders of deliveries, in a process of their own: `python -m bench.load`.

Raw requests over so many kept connections; each waits for its answer before it sends the next.
"""

import selectors
import socket
import time
from collections.abc import Iterator
from itertools import cycle
from statistics import quantiles
from typing import Any

from bench.worker import answer, messages

BODY = b'{"order": 12345, "note": "%s"}' % (b"x" * 990)
HEAD = (
    "POST /receive HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Google-Cloud-Tasks\r\n"
    "Content-Type: application/json\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "X-CloudTasks-QueueName: default\r\nX-CloudTasks-TaskName: 1234567890123456789\r\n"
    "X-CloudTasks-TaskRetryCount: 0\r\nX-CloudTasks-TaskExecutionCount: 0\r\n"
    "X-CloudTasks-TaskETA: 1666670855.3296249\r\nAuthorization: Bearer {token}\r\n"
    f"Content-Length: {len(BODY)}\r\n\r\n"
)
WAIT = 30.0  # seconds for one answer


class Sender:
    """One connection; a server that closes it is asked again on a new one."""

    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self._port, self._requests = port, requests
        self.socket: socket.socket | None = None
        self.took: list[float] = []
        self.bad = 0

    def send(self, due: float | None = None) -> None:
        """Send the next request, which was due at an instant or is now."""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self._port), timeout=WAIT)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._began = time.monotonic() if due is None else due
        self._got = b""
        self.socket.sendall(next(self._requests))

    def read(self) -> bool:
        """Read what came; tell whether the answer is whole."""
        assert self.socket
        piece = self.socket.recv(65536)
        self._got += piece
        head, ended, body = self._got.partition(b"\r\n\r\n")
        head = head.lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if piece and not (ended and len(body) >= length):
            return False
        if ended and head.startswith(b"http/1.1 200"):
            self.took.append(time.monotonic() - self._began)
        else:
            self.bad += 1
        if not piece or b"connection: close" in head:
            self.socket.close()
            self.socket = None
        return True


def flat_out(senders: list[Sender], seconds: float) -> None:
    """Let each send again as soon as it has its answer."""
    end = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for sender in senders:
            _send(selector, sender)
        while selector.get_map():
            for sender in _answered(selector, WAIT):
                if time.monotonic() < end:
                    _send(selector, sender)


def at_a_rate(senders: list[Sender], seconds: float, rate: float) -> None:
    """Send so many a second on whichever connection is free; what is late counts as waiting."""
    began, sent, idle = time.monotonic(), 0, list(senders)
    with selectors.DefaultSelector() as selector:
        while sent < rate * seconds or selector.get_map():
            due = began + sent / rate
            while idle and sent < rate * seconds and due <= time.monotonic():
                _send(selector, idle.pop(), due)
                sent += 1
                due = began + sent / rate
            wait = max(0.0, due - time.monotonic()) if idle and sent < rate * seconds else WAIT
            idle += _answered(selector, wait)


def _send(selector: selectors.BaseSelector, sender: Sender, due: float | None = None) -> None:
    sender.send(due)
    assert sender.socket
    selector.register(sender.socket, selectors.EVENT_READ, sender)


def _answered(selector: selectors.BaseSelector, wait: float) -> list[Sender]:
    if not selector.get_map():
        time.sleep(wait)
        return []
    done = []
    for key, _ in selector.select(wait):
        connection = key.fileobj
        if key.data.read():
            selector.unregister(connection)
            done.append(key.data)
    return done


def run(job: dict[str, Any]) -> dict[str, float]:
    """Do what the bench asks for; returns figures."""
    requests = cycle([HEAD.format(token=token).encode() + BODY for token in job["tokens"]])
    senders = [Sender(job["port"], requests) for _ in range(job["connections"])]
    began = time.monotonic()
    if job.get("rate"):
        at_a_rate(senders, job["seconds"], job["rate"])
    else:
        flat_out(senders, job["seconds"])
    took = [one for sender in senders for one in sender.took]
    every = quantiles(took, n=100) if len(took) > 1 else [0.0] * 99
    return {
        "answered 200": len(took),
        "answered otherwise": sum(sender.bad for sender in senders),
        "seconds": time.monotonic() - began,
        "p50 ms": 1000 * every[49],
        "p99 ms": 1000 * every[98],
    }


def main() -> None:
    """Answer the bench until it has ended."""
    for job in messages():
        answer(run(job))


if __name__ == "__main__":
    main()
