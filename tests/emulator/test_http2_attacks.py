"""The gRPC port against clients that want all of its memory, its time, or its patience."""

import random
import socket
import struct
from contextlib import suppress

import grpc
import pytest

from emulator.http2.incoming import MOST_CALLS, MOST_HELD
from tests.emulator.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Peer,
    frame,
    message,
)
from tests.emulator.serving import METHOD, Serving

HEADER_TABLE_SIZE, INITIAL_WINDOW = 1, 4
CANCEL = struct.pack(">I", 8)
MOST_NOISE = 10_000


@pytest.fixture
def serving():
    with Serving() as serving:
        yield serving


@pytest.fixture
def peer(serving):
    with Peer(serving.endpoint) as peer:
        yield peer


def code_of(goaway):
    return int.from_bytes(goaway[3][4:])


def opened(peer, stream):
    return frame(HEADERS, END_HEADERS, stream, peer.fields(METHOD))


def whole(peer, stream, data=b"asked"):
    return opened(peer, stream) + frame(DATA, END_STREAM, stream, message(data))


def answers(serving, peer):
    """Say that the server answers a new call on this connection."""
    stream = 100_001
    before = len(serving.calls)
    peer.write(whole(peer, stream))
    call = serving.await_calls(before + 1)[-1]
    serving.on_loop(lambda: call.answer(b"answered"))
    return peer.answer(stream)[1] == message(b"answered")


def test_calls_that_are_reset_at_once_keep_their_place_until_they_have_ended(serving, peer):
    """Rapid reset (CVE-2023-44487): the server has no more to do than from a client that waits."""
    for stream in range(1, 1001, 2):
        peer.write(whole(peer, stream) + frame(RST_STREAM, 0, stream, CANCEL))
    kind, _, stream, payload = peer.wait(RST_STREAM)
    assert (stream, int.from_bytes(payload)) == (2 * MOST_CALLS + 1, 7)
    calls = serving.await_calls(MOST_CALLS)
    peer.write(frame(PING, 0, 0, b"all read"))
    while peer.frame() != (PING, ACK, 0, b"all read"):
        pass
    assert len(serving.calls) == MOST_CALLS
    serving.on_loop(lambda: [call.answer(b"nobody waits") for call in calls])
    assert answers(serving, peer)


def test_unfinished_messages_take_no_more_memory_than_is_theirs(serving, peer):
    """Of calls that never end their message, the one that is too much is refused at once."""
    part = frame(DATA, 0, 0, bytes(16_384))
    size, stream = 16_384 * 500, -1
    for stream in range(1, 2 * (MOST_HELD // size) + 3, 2):
        begun = frame(DATA, 0, stream, b"\0" + struct.pack(">I", size))
        this = part[:5] + struct.pack(">I", stream) + part[9:]
        peer.write(opened(peer, stream) + begun + this * 500)
    fields, _ = peer.answer(stream)
    assert fields["grpc-status"] == "8"
    assert "at once" in fields["grpc-message"]
    for earlier in range(1, stream, 2):
        peer.write(frame(RST_STREAM, 0, earlier, CANCEL))
    assert answers(serving, peer)


def test_a_message_in_crumbs_takes_no_more_memory_than_it_has_bytes(serving, peer):
    data = message(bytes(20_000))
    crumbs = [
        frame(DATA, PADDED, 1, b"\1" + data[at : at + 2] + b"\0") for at in range(0, 20_005, 2)
    ]
    peer.write(opened(peer, 1) + b"".join(crumbs[:-1]))
    peer.write(frame(PING, 0, 0, b"all read"))
    assert peer.wait_for_ack(b"all read")
    held = serving.on_loop(lambda: [each._out for each in serving.server.connections][0])
    assert len(held.calls[1].body) == held.held == 20_004
    peer.write(crumbs[-1] + frame(DATA, END_STREAM, 1))
    serving.await_calls(1)
    assert serving.calls[0][1] == bytes(20_000)


def test_a_length_beyond_all_bounds_is_refused_before_it_comes(serving, peer):
    peer.write(opened(peer, 1) + frame(DATA, 0, 1, b"\0" + struct.pack(">I", 2**31)))
    assert peer.answer(1)[0]["grpc-status"] == "8"
    assert answers(serving, peer)


@pytest.mark.parametrize(
    "noise",
    [
        frame(PING, 0, 0, bytes(8)),
        frame(PING, ACK, 0, bytes(8)),
        frame(SETTINGS, 0, 0),
        frame(SETTINGS, ACK, 0),
        frame(2, 0, 1, bytes(5)),  # PRIORITY
        frame(RST_STREAM, 0, 1, CANCEL),
        frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)),
        frame(0x5F, 0, 0),
        frame(DATA, 0, 3),
    ],
    ids=["ping", "pong", "settings", "acks", "priority", "reset", "window", "unknown", "empty"],
)
def test_a_flood_of_frames_that_ask_for_nothing_is_hung_up_on(serving, noise):
    with Peer(serving.endpoint) as peer:
        peer.write(opened(peer, 1) + opened(peer, 3))
        with suppress(ConnectionError):  # hung up on already
            for _ in range(110):
                peer.write(noise * 100)
        assert code_of(peer.wait(GOAWAY)) == 11
    with Peer(serving.endpoint) as peer:
        peer.write(frame(PING, 0, 0, bytes(8)) * 5_000)
        assert answers(serving, peer)
        peer.write(frame(PING, 0, 0, bytes(8)) * 5_000)  # more than may be, but for the answer
        assert peer.wait_for_ack(bytes(8))


@pytest.mark.parametrize(
    "begin",
    [
        lambda peer: frame(HEADERS, 0, 1, peer.fields(METHOD)),
        lambda peer: opened(peer, 1),
        lambda peer: opened(peer, 1) + frame(DATA, 0, 1, message(b"whole, but no end")),
    ],
    ids=["half its fields", "no message", "no end"],
)
def test_who_does_not_end_a_call_is_hung_up_on(begin):
    with Serving(patience=0.2) as serving, Peer(serving.endpoint) as peer:
        peer.write(begin(peer))
        assert peer.ends()


def test_who_says_nothing_at_all_is_hung_up_on():
    with Serving(patience=0.2) as serving, Peer(serving.endpoint, greets=False) as peer:
        peer.write(PREFACE[:10])
        assert peer.ends()


def test_who_takes_nothing_of_an_answer_is_hung_up_on_and_who_rests_is_not():
    with Serving(patience=0.2) as serving, Peer(serving.endpoint) as resting:
        with Peer(serving.endpoint, struct.pack(">HI", INITIAL_WINDOW, 0)) as peer:
            peer.write(whole(peer, 1))
            call = serving.await_calls(1)[0]
            serving.on_loop(lambda: call.answer(b"answered"))
            with suppress(ConnectionError):
                while peer.frame():  # pings are no sign of life
                    peer.write(frame(PING, 0, 0, bytes(8)))
        assert answers(serving, resting)


def test_answers_to_a_client_that_does_not_read_wait_in_no_buffer(serving):
    wide = struct.pack(">HI", INITIAL_WINDOW, 2**31 - 1)
    with Peer(serving.endpoint, wide) as peer:
        peer.write(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1 - 65_535)))
        streams = range(1, 21, 2)
        peer.write(b"".join(whole(peer, stream) for stream in streams))
        calls, answer = serving.await_calls(10), bytes(4_000_000)
        serving.on_loop(lambda: [call.answer(answer) for call in calls])
        (connection,) = serving.server.connections
        waiting = serving.on_loop(connection._out.transport.get_write_buffer_size)
        assert waiting < 1_000_000
        assert {data for _, data in peer.answers(*streams)} == {message(answer)}


@pytest.mark.parametrize(
    ("more", "code"), [(2**31 - 1, 3), (0, 1)], ids=["beyond all bounds", "by nothing"]
)
def test_a_window_that_cannot_be_ends_its_stream_alone(serving, peer, more, code):
    peer.write(whole(peer, 1) + frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", more)))
    assert peer.wait(RST_STREAM)[2:] == (1, struct.pack(">I", code))
    call = serving.await_calls(1)[0]
    serving.on_loop(lambda: call.answer(b"nobody waits"))
    assert answers(serving, peer)


def test_a_client_without_a_table_for_fields_is_told_that_none_is_used(serving):
    """As HPACK asks (RFC 7541, 4.2); nghttp2 takes no answer otherwise."""
    with Peer(serving.endpoint, struct.pack(">HI", HEADER_TABLE_SIZE, 0)) as peer:
        peer.decoder.max_allowed_table_size = 0
        assert answers(serving, peer)
        peer.write(opened(peer, 100_003) + frame(DATA, END_STREAM, 100_003, b"cut"))
        assert peer.answer(100_003)[0]["grpc-status"] == "13"


@pytest.mark.parametrize(
    "first",
    [frame(PING, 0, 0, bytes(8)), frame(SETTINGS, ACK, 0), frame(HEADERS, END_HEADERS, 1, b"\x82")],
)
def test_the_first_frame_has_to_be_settings(serving, first):
    with Peer(serving.endpoint, greets=False) as peer:
        peer.write(PREFACE + first)
        assert code_of(peer.wait(GOAWAY)) == 1


@pytest.mark.parametrize(
    ("after", "code"),
    [
        (frame(DATA, 0, 1, b"more"), 5),
        (frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82"), 5),
        (frame(HEADERS, END_HEADERS, 3, b"\x82") * 2, 1),
    ],
)
def test_more_after_the_end_breaks_the_connection(serving, peer, after, code):
    peer.write(whole(peer, 1) + opened(peer, 3) + after)
    assert code_of(peer.wait(GOAWAY)) == code


def test_what_is_no_grpc_is_told_so_in_http(serving, peer):
    for stream, status, fields in [
        (1, "415", {"content_type": "application/grpc-web+proto"}),
        (3, "415", {"content_type": "application/json"}),
        (5, "405", {":method": "GET"}),
    ]:
        peer.call(stream, b"", METHOD, **fields)
        found, text = peer.answer(stream)
        assert (found[":status"], found["content-type"]) == (status, "text/plain")
        assert b"REST is on the HTTP port" in text
    assert answers(serving, peer)


def test_an_end_of_the_server_ends_calls_without_end(serving, peer):
    peer.write(whole(peer, 1))
    call = serving.await_calls(1)[0]
    gone = []

    def watch():
        call.on_gone = lambda: gone.append(True)
        call.send(b"so far")

    serving.on_loop(watch)
    serving.stop(10)
    fields, data = peer.answer(1)
    assert (fields["grpc-status"], data, gone) == ("14", message(b"so far"), [True])


def test_an_end_of_the_server_while_it_hangs_up_on_a_client(serving, peer):
    peer.write(frame(PING, 0, 1, bytes(8)))
    assert code_of(peer.wait(GOAWAY)) == 1
    serving.stop(0)
    assert peer.ends()


def test_a_text_that_no_header_can_hold_is_told_all_the_same(serving, peer):
    peer.write(whole(peer, 1))
    call = serving.await_calls(1)[0]
    serving.on_loop(lambda: call.refuse(3, "50 % of \udcff, ü and \n"))
    assert peer.answer(1)[0]["grpc-message"] == "50 %25 of \\udcff, %C3%BC and %0A"


def test_frames_of_any_kind_break_nothing_but_their_connection(serving):
    """What no test above thought of; a fault in the server's code fails the fixture."""
    chance = random.Random(20_230)  # noqa: S311
    for _ in range(150):
        with Peer(serving.endpoint) as peer:
            sent = whole(peer, 1)
            for _ in range(chance.randrange(1, 20)):
                payload = chance.choice(
                    [chance.randbytes(chance.randrange(40)), peer.fields(METHOD)]
                )
                sent += frame(
                    chance.randrange(10), chance.choice([0, 1, 4, 5, 8, 13, 0x2D, 255]),
                    chance.choice([0, 1, 1, 3, 5, 2]), payload,
                )  # fmt: skip
            with suppress(OSError):
                peer.write(sent)
                peer.socket.shutdown(socket.SHUT_WR)
                while peer.frame():
                    pass
    with Peer(serving.endpoint) as peer:
        assert answers(serving, peer)


def test_fields_go_on_for_no_longer_than_they_may(serving, peer):
    """CONTINUATION flood (VU#421644)."""
    peer.write(frame(HEADERS, 0, 1, peer.fields(METHOD)) + frame(CONTINUATION, 0, 1, b"\0") * 20)
    assert code_of(peer.wait(GOAWAY)) == 11


def test_the_official_client_gives_up_and_goes_on(serving):
    """Deadlines, cancelled calls, binary metadata and texts, over one connection of grpcio's."""
    with grpc.insecure_channel(serving.endpoint) as channel:
        method = channel.unary_unary(METHOD)
        late = method.future(b"late", timeout=0.1, metadata=[("x-some-bin", b"\0\xff")])
        assert late.exception(10).code() == grpc.StatusCode.DEADLINE_EXCEEDED
        given_up = method.future(b"given up")
        serving.await_calls(2)
        assert given_up.cancel()
        refused = method.future(b"refused")
        calls = serving.await_calls(3)
        assert calls[0].metadata("x-some-bin") == "AP8"
        serving.on_loop(lambda: [call.answer(b"nobody waits") for call in calls[:2]])
        serving.on_loop(lambda: calls[2].refuse(9, "50 % ü \U0001f4ec", b"details"))
        error = refused.exception(10)
        assert (error.code(), error.details()) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "50 % ü \U0001f4ec",
        )
        assert ("grpc-status-details-bin", b"details") in error.trailing_metadata()
        empty = method.future(b"")
        last = serving.await_calls(4)[3]
        serving.on_loop(lambda: last.answer(b""))
        assert empty.result(10) == b""
    assert not any(connection.busy for connection in list(serving.server.connections))
