"""SIGTERM as Cloud Run sends it, under load: what has begun is finished, then exit 0 in time."""

import json
import random
import re
import time
from contextlib import ExitStack

from tests.faults.counts import times
from tests.faults.load import Load
from tests.faults.receiving import Receiver
from tests.processes import ROOT
from tests.receiver.server import received
from tests.stack import GUNICORN

STOPS = times(3, 50)
EACH = times(20, 60)  # acknowledged for each stop, about
LONGEST = 9.0  # Cloud Run kills after 10 seconds
SLOW = times(2.0, 4.0)


def stop_at_random(receiver, load, stops):
    """Stop the receiver that often under load; returns exit codes and the seconds each took."""
    chance = random.Random(random.getrandbits(32))  # noqa: S311
    codes, seconds = [], []
    for _ in range(stops):
        load.wait_for_answers(chance.randrange(2 * EACH))
        time.sleep(chance.uniform(0, 0.2))  # the moment of the signal is the test
        started = time.monotonic()
        codes.append(receiver.process.stop())
        seconds.append(time.monotonic() - started)
        receiver.start()
    return codes, seconds


def test_sigterm_under_load_loses_nothing(tmp_path, ground, tell):
    with Receiver(tmp_path, ground) as receiver:
        with Load(receiver) as load:
            codes, seconds = stop_at_random(receiver, load, STOPS)
        faults = load.faults()
    acknowledged = len(load.acknowledged)
    tell(
        f"{STOPS} x SIGTERM under load: {acknowledged} acknowledged, {faults or '0 lost'}, exit "
        f"codes {set(codes)}, at most {max(seconds):.1f} s, "
        f"{load.stored - acknowledged} stored whose answer was cut off"
    )
    assert faults == []
    assert load.statuses == {200}
    assert set(codes) == {0}
    assert max(seconds) <= LONGEST


def begin(receiver, length):
    """Return a connection on which the receiver waits for the end of a body."""
    connection = receiver.connect()
    head = f"POST /receive HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n"
    token = f"Authorization: Bearer {receiver.token()}\r\nExpect: 100-continue\r\n\r\n"
    connection.sendall((head + token).encode())
    assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"  # it reads the body now
    connection.sendall(b"Hel")
    return connection


def finish_slowly(receiver, endless=0):
    """SIGTERM while a body comes slowly, beside some that never end; returns answer, code, time."""
    with ExitStack() as others, begin(receiver, 5) as slow:
        for _ in range(endless):
            others.enter_context(begin(receiver, 500))
        started = time.monotonic()
        receiver.process.popen.terminate()
        time.sleep(SLOW)  # the client is slow
        slow.sendall(b"lo")
        answer = received(slow)
        code = receiver.process.wait()
        return answer, code, time.monotonic() - started


def test_a_slow_request_is_finished_and_an_endless_one_does_not_hold_the_exit(
    tmp_path, ground, tell
):
    with Receiver(tmp_path, ground) as receiver:
        answer, code, seconds = finish_slowly(receiver, endless=times(0, 3))
        tell(f"SIGTERM with a request of {SLOW:.0f} s: {answer[:15]}, exit {code}, {seconds:.1f} s")
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert receiver.rows("SELECT body FROM receiver_event")[0][0] == b"Hello"
    assert (code, seconds <= LONGEST) == (0, True)


def test_a_server_without_patience_is_found_out(tmp_path, ground):
    with Receiver(tmp_path, ground, "--graceful-timeout", "1") as receiver:
        try:
            answer, _, _ = finish_slowly(receiver)
        except OSError:
            answer = b""
    assert not answer.startswith(b"HTTP/1.1 200")


def test_the_image_starts_it_as_these_tests_do():
    command = re.search(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert json.loads(command[1]) == GUNICORN
