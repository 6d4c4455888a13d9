"""A real HTTP target that answers by script and remembers what it was asked."""

import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Received:
    """One request as it arrived."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    at: float
    wall: float

    def header(self, name):
        """The value of a header, or None; names are compared as HTTP does."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None


@dataclass
class Spot:
    """One path of the server with a script: a status, or (status, seconds), for each request.

    After the script's end it answers `otherwise`.
    """

    url: str
    script: list = field(default_factory=list)
    otherwise: int | tuple = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b"ok"
    requests: list[Received] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count, seconds=15.0):
        """Return the first `count` requests; fails when they do not come in time."""
        with self.changed:
            came = self.changed.wait_for(lambda: len(self.requests) >= count, seconds)
            assert came, f"{len(self.requests)} of {count} requests came in {seconds} s"
            return list(self.requests[:count])

    def stays_at(self, count, seconds):
        """Assert that no request beyond `count` comes for `seconds`."""
        with self.changed:
            more = self.changed.wait_for(lambda: len(self.requests) > count, seconds)
            assert not more, f"{len(self.requests)} requests came, {count} were due"
            assert len(self.requests) == count

    def receive(self, request):
        with self.changed:
            answer = self.script.pop(0) if self.script else self.otherwise
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.requests.append(request)
            self.changed.notify_all()
        return answer if isinstance(answer, tuple) else (answer, 0)

    def leave(self):
        with self.changed:
            self.at_once -= 1


class TargetServer(ThreadingHTTPServer):
    """Listens on a free loopback port; `spot()` gives a test a path of its own."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spots = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """Say nothing of emulators that were killed in the middle of a request."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def spot(self, **settings):
        path = f"/{uuid.uuid4().hex}"
        self.spots[path] = Spot(f"http://127.0.0.1:{self.server_port}{path}", **settings)
        return self.spots[path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        spot = self.server.spots["/" + self.path.split("?")[0].split("/")[1]]
        request = Received(
            self.command, self.path, self.headers.items(), body, time.monotonic(), time.time()
        )
        status, seconds = spot.receive(request)
        if seconds:
            threading.Event().wait(seconds)  # the target is slow; the test does not wait here
        spot.leave()
        try:
            self.send_response(status)
            for name, value in spot.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(spot.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(spot.body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *args):
        pass
