"""Who is let in, over the wire and in each mode: a table, then anything at all."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.counts import times
from tests.faults.receiving import Receiver
from tests.faults.test_exact_bytes import quick
from tests.faults.tokens import hostile, table
from tests.receiver.issuer import Issuer

AT_ONCE = 20
BATCHES = times(10, 2500)
UNKNOWN_EVERY = 30  # seconds after which an unknown key id may ask the issuer again


@pytest.fixture(scope="module")
def receiver(request, tmp_path_factory, ground):
    issuer = Issuer()
    folder = tmp_path_factory.mktemp(request.param)
    with Receiver(folder, ground, issuer=issuer, RECEIVER_AUTH=request.param) as running:
        running.mode = request.param
        yield running
    issuer.stop()


def ask(receiver, *lines):
    """Return the status of a request with these lines of headers; as bytes or as text."""
    lines = [line if isinstance(line, bytes) else line.encode() for line in lines]
    first = [b"POST /receive HTTP/1.1", b"Host: localhost", b"Connection: close"]
    answer = receiver.speak(b"\r\n".join([*first, b"Content-Length: 1", *lines]) + b"\r\n\r\nx")
    assert answer.startswith(b"HTTP/1.1 "), answer
    return int(answer[9:12])


def wrong_answers(receiver, mode):
    """Return what of the table is answered otherwise, by name, and every answer."""
    wrong, statuses = {}, []
    for name, (lines, verify, iam) in table(receiver.issuer, receiver.url).items():
        statuses.append(ask(receiver, *lines))
        if statuses[-1] != {"verify": verify, "iam": iam, "off": 200}[mode]:
            wrong[name] = statuses[-1]
    return wrong, statuses


@pytest.mark.parametrize("receiver", ["verify", "iam", "off"], indirect=True)
def test_the_table_of_tokens(receiver, tell):
    last, fetches = receiver.last_id(), receiver.issuer.fetches
    wrong, statuses = wrong_answers(receiver, receiver.mode)
    stored = receiver.last_id() - last
    tell(
        f"{len(statuses)} tokens in mode {receiver.mode}: "
        f"{wrong or 'all answered as they must be'}, {stored} stored"
    )
    assert wrong == {}
    assert stored == statuses.count(200) > 0
    assert receiver.issuer.fetches - fetches <= 1


@pytest.mark.parametrize("receiver", ["verify", "iam"], indirect=True)
def test_nothing_else_is_let_in(receiver, tell):
    signed = receiver.mode == "verify"
    values = hostile(receiver.token(), signed=signed)
    last, fetches, began = receiver.last_id(), receiver.issuer.fetches, time.monotonic()
    statuses = []

    @quick(max_examples=BATCHES if signed else BATCHES // 5)
    @given(st.lists(values, min_size=AT_ONCE, max_size=AT_ONCE))
    def refused(sent):
        for value in sent:
            statuses.append(ask(receiver, b"Authorization: " + value))
            assert statuses[-1] in {400, 401, 403}, value

    refused()
    fetched = receiver.issuer.fetches - fetches
    tell(
        f"{len(statuses)} hostile headers in mode {receiver.mode}: answers {set(statuses)}, "
        f"{fetched} fetches of keys"
    )
    assert receiver.last_id() == last
    assert fetched <= 1 + (time.monotonic() - began) / UNKNOWN_EVERY


def test_a_receiver_that_believes_anyone_is_found_out(tmp_path, ground):
    with Receiver(tmp_path, ground, mutant="believe_anyone") as receiver:
        wrong, _ = wrong_answers(receiver, "verify")
    assert wrong["another's signature"] == 200


def test_a_receiver_that_asks_for_keys_every_time_is_found_out(tmp_path, ground):
    issuer = Issuer()
    with Receiver(tmp_path, ground, issuer=issuer, mutant="fetch_every_time") as receiver:
        wrong_answers(receiver, "verify")
    issuer.stop()
    assert issuer.fetches > 1
