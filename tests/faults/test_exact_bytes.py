"""Any request over a real socket: stored byte for byte, and never a 2xx without a row."""

import re
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from receiver import text
from tests.faults.counts import times
from tests.faults.receiving import Receiver
from tests.receiver.server import received

EXAMPLES = times(100, 2000)
METHODS = [b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"GET"]
# What may stand in a header's value: any byte but controls. Secrets behind = and @ are masked.
VALUE = bytes(sorted({9, *range(32, 127), *range(128, 256)} - set(b"=@")))
TARGET = bytes(sorted(set(range(33, 127)) - set(b'#?="<>\\^`{|}%')))

quick = partial(
    settings,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a socket is nothing to shrink on
)


def of(alphabet, **sizes):
    return st.lists(st.sampled_from(alphabet), **sizes).map(bytes)


requests = st.fixed_dictionaries(
    {
        "method": st.sampled_from(METHODS),
        "path": st.binary(max_size=40).map(lambda data: "".join(f"%{byte:02X}" for byte in data)),
        "plain": of(TARGET, max_size=40),
        "query": of(TARGET, max_size=40),
        "kind": of(VALUE, max_size=40),
        "values": st.lists(of(VALUE, max_size=60), max_size=8),
        "body": st.binary(max_size=5000),
        "chunks": st.none() | st.lists(st.integers(1, 4000), min_size=1, max_size=5),
        "cuts": st.lists(st.integers(0, 6000), max_size=4),
    }
)


def wire(token, method, path, plain, query, kind, values, body, chunks, cuts):
    """Return the request as the pieces in which it is sent."""
    target = b"/receive/" + path.encode() + plain + (b"?" + query if query else b"")
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: localhost", b"Content-Type: " + kind]
    lines += [b"Authorization: Bearer " + token.encode()]
    lines += [b"X-Value-%d: %s" % (number, value) for number, value in enumerate(values)]
    if chunks:
        lines.append(b"Transfer-Encoding: chunked")
        framed = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts(body, chunks))
        framed += b"0\r\n\r\n"
    else:
        lines.append(b"Content-Length: %d" % len(body))
        framed = body
    whole = b"\r\n".join(lines) + b"\r\n\r\n" + framed
    edges = [0, *sorted(cuts), len(whole)]
    return [whole[a:b] for a, b in zip(edges, edges[1:], strict=False) if whole[a:b]]


def parts(body, sizes):
    """Yield the body in pieces of these sizes, again and again."""
    at = 0
    while at < len(body):
        for size in sizes:
            if body[at : at + size]:
                yield body[at : at + size]
            at += size


def check_exactness(receiver, examples):
    """Send that many requests over one connection; each must be the newest row, as it was sent."""
    token = receiver.token()

    @quick(max_examples=examples)
    @given(requests)
    def as_sent(sent):
        for piece in wire(token, **sent):
            connection.sendall(piece)
        answer = received(connection)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
        event = receiver.event(re.search(rb"Stored as event (\d+)\.", answer)[1])
        assert event["body"] == sent["body"]
        assert event["body_size"] == len(sent["body"])
        assert event["method"] == sent["method"].decode()
        assert event["path"] == "/receive/" + sent["path"] + sent["plain"].decode()
        assert event["query"] == sent["query"].decode()
        headers = dict(event["headers"])
        for number, value in enumerate(sent["values"]):
            assert headers[f"X-Value-{number}"] == text.decoded(value.strip(b" \t"))
        assert headers.get("Content-Type", "") == text.decoded(sent["kind"].strip(b" \t"))

    with receiver.connect() as connection:
        as_sent()


@pytest.fixture(scope="module")
def receiver(tmp_path_factory, ground):
    with Receiver(tmp_path_factory.mktemp("exact"), ground, SURFACES="receiver") as running:
        yield running


def test_any_request_is_stored_as_it_was_sent(receiver, tell):
    check_exactness(receiver, EXAMPLES)
    tell(f"{EXAMPLES} requests of any bytes in any pieces: all stored as sent")


@st.composite
def mangled(draw, token):
    """A request with some bytes changed, left out, doubled or put in, anywhere."""
    whole = bytearray(b"".join(wire(token, **draw(requests))))
    for _ in range(draw(st.integers(1, 4))):
        at, count = draw(st.integers(0, len(whole))), draw(st.integers(0, 12))
        into = [b"", b"\r\n", b"\0", whole[at : at + count] * 2, draw(st.binary(max_size=12))]
        whole[at : at + count] = draw(st.sampled_from(into))
    return bytes(whole)


def test_no_mangled_request_is_answered_2xx_without_a_row(receiver, tell):
    counts = {"answers": 0, "stored": 0}

    @quick(max_examples=EXAMPLES)
    @given(mangled(receiver.token()))
    def held(sent):
        before = receiver.last_id()
        answer = receiver.speak(sent, half_close=True)
        good = re.findall(rb"HTTP/1\.1 2\d\d ", answer)
        stored = re.findall(rb"Stored as event (\d+)\.", answer)
        assert len(stored) == len(good), answer
        assert all(receiver.event(pk)["id"] > before for pk in stored)
        assert not re.search(rb"HTTP/1\.1 5\d\d ", answer), answer
        counts["answers"] += answer.startswith(b"HTTP/1.1 ")
        counts["stored"] += len(stored)

    held()
    rows = receiver.rows("SELECT count(*) FROM receiver_event")[0][0]
    tell(f"{EXAMPLES} mangled requests: {counts}, 0 x 2xx without a row, 0 x 5xx ({rows} rows)")
    assert receiver.store_is_sound()


@pytest.mark.parametrize("mutant", ["no_length_check", "chunks_lost"])
def test_a_receiver_that_loses_bytes_is_found_out(tmp_path, ground, mutant):
    with Receiver(tmp_path, ground, mutant=mutant) as receiver:
        if mutant == "chunks_lost":
            with pytest.raises(AssertionError):
                check_exactness(receiver, EXAMPLES)
            return
        request = wire(receiver.token(), b"POST", "", b"", b"", b"", [], b"x" * 500, None, [])
        answer = receiver.speak(request[0][:-400], half_close=True)
        assert answer.startswith(b"HTTP/1.1 200")
