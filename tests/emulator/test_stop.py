"""That it stops when it is told to, whoever still waits for an answer."""

import contextlib
import socket
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from tests.emulator.conftest import PARENT, client_of
from tests.processes import EmulatorProcess

TASKS = f"/v2/{PARENT}/queues/default/tasks"
HALF = f"POST {TASKS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{{"
WAITING = "GET /emulator/idle?scheduled=1&timeout=3600 HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("request_text", [WAITING, HALF], ids=["waits", "slow body"])
def test_a_client_that_is_not_done_holds_no_stop_up(tmp_path, request_text):
    with EmulatorProcess(tmp_path, "--queue", "default") as own, contextlib.ExitStack() as stack:
        with client_of(own.endpoint) as client:
            later = datetime.now(UTC) + timedelta(hours=1)
            task = {"http_request": {"url": "http://127.0.0.1:9/"}, "schedule_time": later}
            client.create_task(parent=f"{PARENT}/queues/default", task=task)
        at = urlsplit(own.http_url)
        for _ in range(5):
            waiting = stack.enter_context(socket.create_connection((at.hostname, at.port)))
            waiting.sendall(request_text.encode())
        waiting.settimeout(0.5)
        with pytest.raises(TimeoutError):
            waiting.recv(1)
        started = time.monotonic()
        assert own.process.stop(seconds=30) == 0
        assert time.monotonic() - started < 10
