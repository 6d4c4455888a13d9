"""The gRPC port, frame by frame: what clients of other make may send, and what none may."""

import gzip
import os
import signal
import socket
import struct
import zlib
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.cloud import tasks_v2
from google.protobuf.timestamp_pb2 import Timestamp

from tests.emulator.conftest import PARENT, client_of
from tests.emulator.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GET_QUEUE,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    WITH_PRIORITY,
    Peer,
    frame,
    message,
)
from tests.processes import EmulatorProcess

QUEUE = f"{PARENT}/queues/default"
ASKED = message(tasks_v2.GetQueueRequest.pb()(name=QUEUE).SerializeToString())
TASKS = "/google.cloud.tasks.v2.CloudTasks"
INITIAL_WINDOW = 4


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """An emulator that has one line to say: that it is ready."""
    with EmulatorProcess(tmp_path_factory.mktemp("own"), "--queue", "default") as own:
        yield own
        own.process.stop()
        assert len(own.process.lines) == 1, own.process.output


@pytest.fixture
def peer(own):
    with Peer(own.endpoint) as peer:
        yield peer


def is_the_queue(answer):
    fields, data = answer
    assert (fields[":status"], fields["grpc-status"]) == ("200", "0")
    assert fields["content-type"] == "application/grpc"
    assert data[:1] == b"\0"
    assert int.from_bytes(data[1:5]) == len(data) - 5
    return tasks_v2.Queue.pb().FromString(data[5:]).name == QUEUE


def test_a_call_is_answered(peer):
    peer.call(1, ASKED)
    assert is_the_queue(peer.answer(1))


def test_calls_beside_each_other_and_calls_that_repeat_themselves(peer):
    streams = range(1, 41, 2)
    for stream in streams:
        peer.call(stream, ASKED, x_number=str(stream % 6))
    assert all(is_the_queue(answer) for answer in peer.answers(*streams))


def test_a_call_in_the_smallest_pieces(peer):
    block = peer.fields(x_padding="x" * 300)
    parts = [block[at : at + 40] for at in range(0, len(block), 40)]
    priority = b"\0\0\0\0\1"
    first = bytes([3]) + priority + parts[0] + b"\0\0\0"
    frames = [frame(HEADERS, PADDED | WITH_PRIORITY, 1, first)]
    frames += [frame(CONTINUATION, 0, 1, part) for part in parts[1:]]
    frames += [frame(CONTINUATION, END_HEADERS, 1), frame(2, 0, 1, priority)]
    frames += [frame(DATA, 0, 1, ASKED[:3]), frame(0x5F, 0, 9, b"of a kind nobody knows")]
    frames += [frame(DATA, PADDED, 1, b"\5" + ASKED[3:] + b"\0" * 5), frame(DATA, END_STREAM, 1)]
    for byte in b"".join(frames):
        peer.write(bytes([byte]))
    assert is_the_queue(peer.answer(1))


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_compressed_message_is_read(peer, encoding, compress):
    peer.call(1, message(compress(ASKED[5:]), compressed=1), grpc_encoding=encoding)
    assert is_the_queue(peer.answer(1))


@pytest.mark.parametrize(
    ("data", "fields", "status"),
    [
        (message(b"x", compressed=1), {"grpc_encoding": "snappy"}, "12"),
        (message(b"x", compressed=1), {}, "13"),
        (message(b"no gzip", compressed=1), {"grpc_encoding": "gzip"}, "13"),
        (message(gzip.compress(b"cut off")[:-5], compressed=1), {"grpc_encoding": "gzip"}, "13"),
        (message(gzip.compress(bytes(9 << 20)), compressed=1), {"grpc_encoding": "gzip"}, "8"),
        (ASKED[:-1], {}, "13"),
        (ASKED + ASKED, {}, "13"),
        (b"", {}, "13"),
        (ASKED, {"path": f"{TASKS}/Nothing"}, "12"),
    ],
)
def test_what_is_no_call_is_refused_and_the_next_is_answered(peer, data, fields, status):
    peer.call(1, data, **fields)
    found, nothing = peer.answer(1)
    assert (found["grpc-status"], nothing) == (status, b"")
    assert found["grpc-message"]
    peer.call(3, ASKED)
    assert is_the_queue(peer.answer(3))


def test_a_message_beyond_all_bounds_is_refused_while_it_is_sent(peer):
    peer.write(frame(HEADERS, END_HEADERS, 1, peer.fields()))
    for _ in range((8 << 20) // 16384 + 1):
        peer.write(frame(DATA, 0, 1, bytes(16384)))
    fields, _ = peer.answer(1)
    assert fields["grpc-status"] == "8"
    assert peer.wait(RST_STREAM)[2:] == (1, bytes(4))
    peer.call(3, ASKED)
    assert is_the_queue(peer.answer(3))


def test_an_answer_keeps_to_the_windows(own, peer):
    """An answer waits until the stream's window has room, and is whole at last."""
    peer.call(1, ASKED)
    whole = peer.answer(1)[1]
    with Peer(own.endpoint, struct.pack(">HI", INITIAL_WINDOW, 10)) as narrow:
        narrow.call(1, ASKED)
        first = narrow.wait(DATA)[3]
        narrow.write(frame(PING, 0, 0, b"8 bytes."))
        assert narrow.frame() == (PING, ACK, 0, b"8 bytes.")  # and nothing before it
        narrow.write(frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 7)))
        second = narrow.wait(DATA)[3]
        narrow.write(frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW, 65535)))
        fields, rest = narrow.answer(1)
    assert (len(first), len(second), fields["grpc-status"]) == (10, 7, "0")
    assert first + second + rest == whole


def test_a_large_answer_is_whole(own):
    with client_of(own.endpoint) as client:
        queue = client.create_queue(parent=PARENT, queue={"name": f"{PARENT}/queues/large"}).name
        client.pause_queue(name=queue)
        body = os.urandom(700_000)
        for _ in range(4):
            request = {"url": "http://127.0.0.1:9/", "body": body}
            client.create_task(parent=queue, task={"http_request": request})
        listed = list(client.list_tasks({"parent": queue, "response_view": 2}))
        assert [task.http_request.body for task in listed] == [body] * 4


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(DATA, 0, 1, b"of nothing"), 1),
        (frame(HEADERS, END_HEADERS, 2, b"\x82"), 1),
        (frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\x0f"), 9),
        (frame(HEADERS, 0, 1, b"\x82") + frame(PING, 0, 0, bytes(8)), 1),
        (frame(HEADERS, 0, 1) + frame(CONTINUATION, 0, 1) * 100, 11),
        (frame(HEADERS, END_HEADERS | PADDED, 1, b"\x09\x82"), 1),
        (frame(CONTINUATION, END_HEADERS, 1, b"\x82"), 1),
        (frame(5, END_HEADERS, 1, b"a push"), 1),
        (frame(PING, 0, 1, bytes(8)), 1),
        (frame(SETTINGS, 0, 1), 1),
        (frame(GOAWAY, 0, 1, bytes(8)), 1),
        (frame(DATA, 0, 0, b"of nothing"), 1),
        (frame(HEADERS, END_HEADERS, 0, b"\x82"), 1),
        (frame(RST_STREAM, 0, 1, bytes(4)), 1),
        (frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 1)), 1),
        (frame(WINDOW_UPDATE, 0, 0, bytes(4)), 3),
        (frame(2, 0, 1, b"priority"), 6),
        (frame(SETTINGS, ACK, 0, bytes(6)), 6),
        (frame(SETTINGS, 0, 0, struct.pack(">HI", 2, 2)), 1),
        (frame(SETTINGS, 0, 0, struct.pack(">HI", 5, 16383)), 1),
        (frame(SETTINGS, 0, 0, struct.pack(">HI", 5, 2**24)), 1),
        (frame(PING, 0, 0, b"short"), 6),
        (frame(SETTINGS, 0, 0, b"short"), 6),
        (frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW, 2**31)), 3),
        (frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1)), 3),
        (frame(WINDOW_UPDATE, 0, 0, b"short"), 6),
        (frame(RST_STREAM, 0, 1, b"short"), 6),
        (frame(DATA, 0, 1, bytes(16385)), 6),
    ],
)
def test_who_breaks_the_protocol_is_told_and_hung_up_on(peer, sent, code):
    peer.write(sent)
    payload = peer.wait(GOAWAY)[3]
    assert int.from_bytes(payload[4:]) == code
    assert peer.frame() is None


def test_fields_without_end_are_cut_off(peer):
    peer.write(frame(HEADERS, END_HEADERS, 1, peer.fields()[:0] + b"\x82" * 16000))
    assert int.from_bytes(peer.wait(GOAWAY)[3][4:]) == 11
    assert peer.frame() is None


def test_who_speaks_http_1_is_told_which_port_this_is(own):
    host, _, port = own.endpoint.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"gRPC" in answer


def test_who_tries_tls_is_hung_up_on(own):
    host, _, port = own.endpoint.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert connection.recv(4096) == b""


def test_a_call_that_is_given_up_leaves_the_others_alone(peer):
    peer.call(1, ASKED)
    peer.write(frame(RST_STREAM, 0, 1, struct.pack(">I", 8)))
    peer.call(3, ASKED)
    assert is_the_queue(peer.answer(3))


def test_more_calls_than_may_run_at_once_are_to_be_sent_again(peer):
    for stream in range(1, 203, 2):  # none is complete
        peer.write(frame(HEADERS, END_HEADERS, stream, peer.fields()))
    kind, _, stream, payload = peer.wait(RST_STREAM)
    assert (stream, int.from_bytes(payload)) == (201, 7)


def test_the_official_client_compresses(own):
    with grpc.insecure_channel(own.endpoint, compression=grpc.Compression.Gzip) as channel:
        call = channel.unary_unary(GET_QUEUE)
        answer = tasks_v2.Queue.pb().FromString(call(ASKED[5:] + b"\x0a\x00" * 50 + ASKED[5:]))
    assert answer.name == QUEUE


def test_a_stop_lets_calls_end_and_says_goodbye(tmp_path):
    with EmulatorProcess(tmp_path, "--queue", "default") as own, Peer(own.endpoint) as peer:
        peer.call(1, ASKED)
        assert is_the_queue(peer.answer(1))
        own.process.popen.send_signal(signal.SIGTERM)
        kind, _, _, payload = peer.wait(GOAWAY)
        assert payload == struct.pack(">II", 1, 0)
        assert peer.frame() is None
        assert own.process.wait() == 0


def test_large_tasks_beside_each_other_on_one_connection(own):
    later = Timestamp(seconds=int((datetime.now(UTC) + timedelta(hours=1)).timestamp()))
    task = tasks_v2.Task.pb()(schedule_time=later)
    task.http_request.url, task.http_request.body = "http://127.0.0.1:9/", bytes(1_000_000)
    create = tasks_v2.CreateTaskRequest.pb()(parent=QUEUE, task=task).SerializeToString()
    with grpc.insecure_channel(own.endpoint) as channel:
        calls = [channel.unary_unary(f"{TASKS}/CreateTask").future(create) for _ in range(10)]
        names = {tasks_v2.Task.pb().FromString(call.result(timeout=30)).name for call in calls}
    assert len(names) == 10
