"""Slow clients, large bodies, bombs and endless headers: the others are served, memory holds."""

import os
import re
import sys
import threading
import time
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.faults.counts import times
from tests.faults.load import Load
from tests.faults.receiving import Receiver, digest

MEBIBYTE = 1024 * 1024
CAP = 10 * MEBIBYTE
SLOW_CLIENTS = 20
SLOW_SECONDS = times(3, 36)
PROBE_SECONDS = 1.0
MEMORY = 512 * MEBIBYTE
HEAD_SECONDS = 0.5
LOG_IN = """
import django; django.setup()
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.get())
print(client.cookies.output(attrs=[], header="", sep=";").strip())
"""


@pytest.fixture(scope="module")
def receiver(tmp_path_factory, ground):
    with Receiver(tmp_path_factory.mktemp("large"), ground) as running:
        yield running


def peak(pid):
    """Return the most memory that a process has had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def cpu_seconds(pid):
    """Return the processor time that a process has used, its own and the kernel's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def post(receiver, body, *lines, timeout=60):
    """Post a body on a connection of its own; returns status, text and seconds."""
    headers = {"Authorization": f"Bearer {receiver.token()}"} | dict(lines)
    started = time.monotonic()
    with closing(HTTPConnection(*receiver.address, timeout=timeout)) as connection:
        connection.request("POST", "/receive", body, headers)
        with connection.getresponse() as answer:
            text = answer.read().decode()
    return answer.status, text, time.monotonic() - started


class Trickle:
    """Clients that send a byte now and then: half of them headers, half of them a body."""

    def __init__(self, receiver):
        self.receiver = receiver
        self.over = threading.Event()

    def __enter__(self):
        self.parts = ExitStack()
        token = self.receiver.token()
        head = f"POST /receive HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        self.connections = []
        for number in range(SLOW_CLIENTS):
            connection = self.parts.enter_context(self.receiver.connect())
            rest = "X-Slow: " if number % 2 else "Content-Length: 1000\r\n\r\n"
            connection.sendall((head + rest).encode())
            self.connections.append(connection)
        self.thread = threading.Thread(target=self._work)
        self.thread.start()
        return self

    def _work(self):
        while not self.over.wait(0.2):
            for connection in self.connections:
                with suppress(OSError):  # its patience with them has an end
                    connection.sendall(b"x")

    def __exit__(self, *exc):
        self.over.set()
        self.thread.join()
        self.parts.close()


def slowest_beside_slow_clients(receiver, seconds):
    """Return how long a post and a probe took at most, and how many there were."""
    longest, count = 0.0, 0
    with Trickle(receiver):
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            status, _, took = post(receiver, b"Hello", timeout=3)
            started = time.monotonic()
            with urllib.request.urlopen(f"{receiver.url}/health", timeout=10):
                longest = max(longest, took, time.monotonic() - started)
            assert status == 200
            count += 1
            time.sleep(0.1)  # the slow clients are the load, not this one
    return longest, count


def test_slow_clients_hold_up_nobody(receiver, tell):
    longest, count = slowest_beside_slow_clients(receiver, SLOW_SECONDS)
    tell(
        f"{SLOW_CLIENTS} slow clients for {SLOW_SECONDS} s: {count} posts and probes beside them, "
        f"{longest:.2f} s at most"
    )
    assert longest < PROBE_SECONDS


def test_a_receiver_that_takes_one_at_a_time_is_found_out(tmp_path, ground):
    with (
        Receiver(tmp_path, ground, mutant="one_at_a_time") as receiver,
        pytest.raises(TimeoutError),
    ):
        slowest_beside_slow_clients(receiver, 1)


def test_eight_bodies_of_the_limit_at_once(receiver, tell):
    bodies = [os.urandom(CAP) for _ in range(8)]
    last = receiver.last_id()
    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = list(pool.map(lambda body: post(receiver, body), bodies))
    most = peak(receiver.worker)
    tell(
        f"8 x 10 MiB at once: {len(answers)} answers, {max(a[2] for a in answers):.1f} s at most, "
        f"worker's peak {most // MEBIBYTE} MiB"
    )
    assert [status for status, _, _ in answers] == [200] * 8
    assert sorted(receiver.digests(last)) == sorted(map(digest, bodies))
    assert most < MEMORY


def bomb():
    """Return 10 MiB of gzip that stand for 10 GB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(CAP)) + packer.flush(zlib.Z_FULL_FLUSH)
    head = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    return head + block * ((CAP - len(head)) // len(block))


def look(receiver, pk, cookie):
    page = urllib.request.Request(f"{receiver.url}/events/{pk}/", headers={"Cookie": cookie})
    with urllib.request.urlopen(page, timeout=30) as answer:
        return answer.read()


def test_a_gzip_bomb_is_stored_and_shown(receiver, tell):
    body = bomb()
    status, text, _ = post(receiver, body, ("Content-Encoding", "gzip"))
    assert status == 200
    pk = re.search(r"event (\d+)", text)[1]
    assert receiver.event(pk)["body"] == body
    cookie = receiver.run(sys.executable, "-c", LOG_IN).strip()
    _, text, _ = post(receiver, b"{}")
    usual = re.search(r"event (\d+)", text)[1]
    look(receiver, usual, cookie)  # what the first page of all costs is not the bomb's
    before, began = peak(receiver.worker), cpu_seconds(receiver.worker)
    shown = look(receiver, pk, cookie)
    seconds, more = cpu_seconds(receiver.worker) - began, peak(receiver.worker) - before
    tell(f"a gzip bomb of 10 GB: its page {seconds:.2f} s of the worker, {more // MEBIBYTE} MiB")
    assert f"/events/{pk}/".encode() in shown or b"gzip" in shown
    assert seconds < 1
    assert more < 20 * MEBIBYTE


HEADS = {
    "one line without an end": b"X-Long: " + b"x" * 8 * MEBIBYTE,
    "lines of the limit": (b"X-Long: " + b"x" * 16000 + b"\r\n") * 524,
    "short lines": b"X: 1\r\n" * (8 * MEBIBYTE // 6),
}


def cost_of_head(receiver, lines):
    """Send 8 MiB of headers in pieces of a packet; return the worker's seconds and the answer."""
    head = b"POST /receive HTTP/1.1\r\nHost: localhost\r\n" + lines
    before = cpu_seconds(receiver.worker)
    answer = receiver.speak(*(head[at : at + 1448] for at in range(0, len(head), 1448)))
    return cpu_seconds(receiver.worker) - before, answer


@pytest.mark.parametrize("kind", HEADS)
def test_endless_headers_cost_little(receiver, tell, kind):
    last = receiver.last_id()
    seconds, answer = cost_of_head(receiver, HEADS[kind])
    tell(f"8 MiB of headers ({kind}): {seconds:.2f} s of the worker, {answer[:12] or 'cut off'}")
    assert seconds <= HEAD_SECONDS
    assert answer == b"" or answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
    assert receiver.last_id() == last


def test_bodies_of_a_mebibyte_one_after_the_other(receiver, tell):
    wanted = times(20, 500)
    with Load(receiver, sizes=(MEBIBYTE,)) as load:
        while len(load.answers) < wanted:
            load.wait_for_answers()
    faults, most = load.faults(), peak(receiver.worker)
    tell(
        f"{len(load.answers)} bodies of 1 MiB: {faults or '0 lost'}, {load.broken} errors, "
        f"worker's peak {most // MEBIBYTE} MiB"
    )
    assert (faults, load.broken, load.statuses) == ([], 0, {200})
    assert most < MEMORY
