"""A client of HTTP/2 that says exactly what it is told to, for tests of the gRPC port."""

import socket
import struct
from collections import defaultdict

from hpack import Decoder, Encoder

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 3, 4, 6, 7, 8, 9,
)  # fmt: skip
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 1, 1, 4, 8, 32
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GET_QUEUE = "/google.cloud.tasks.v2.CloudTasks/GetQueue"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(
        ">I", stream
    ) + payload  # fmt: skip


def message(data, compressed=0):
    return bytes([compressed]) + struct.pack(">I", len(data)) + data


class Peer:
    """`with Peer(endpoint) as peer:` has greeted, with these settings, and been greeted.

    One that does not greet by itself sends its own first bytes.
    """

    def __init__(self, endpoint, settings=b"", greets=True):
        host, _, port = endpoint.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.encoder, self.decoder = Encoder(), Decoder()
        self.got = b""
        if greets:
            self.write(PREFACE + frame(SETTINGS, 0, 0, settings))
            self.wait(SETTINGS)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()

    def write(self, data):
        self.socket.sendall(data)

    def fields(self, path=GET_QUEUE, **more):
        """Return the block of a call's fields."""
        pairs = {
            ":method": "POST",
            ":scheme": "http",
            ":path": path,
            ":authority": "localhost",
            "content-type": "application/grpc",
            "te": "trailers",
        } | {name.replace("_", "-"): value for name, value in more.items()}
        return self.encoder.encode(pairs.items())

    def call(self, stream, data, path=GET_QUEUE, **more):
        """Send one whole call."""
        self.write(
            frame(HEADERS, END_HEADERS, stream, self.fields(path, **more))
            + frame(DATA, END_STREAM, stream, data)
        )

    def frame(self):
        """Read one frame: kind, flags, stream, payload; None at the end of the connection."""
        head = self._read(9)
        if head is None:
            return None
        kind, flags = head[3], head[4]
        size, stream = int.from_bytes(head[:3]), int.from_bytes(head[5:])
        return kind, flags, stream, self._read(size)

    def wait(self, kind):
        """Return the next frame of that kind that is no acknowledgement."""
        while found := self.frame():
            if found[0] == kind and not (kind in (SETTINGS, PING) and found[1] & ACK):
                return found
        raise AssertionError(f"the connection ended before a frame of kind {kind}")

    def wait_for_ack(self, payload):
        """Return once a ping was answered; False where the connection ended before."""
        while found := self.frame():
            if found == (PING, ACK, 0, payload):
                return True
        return False

    def ends(self):
        """Read to the end of the connection, which has to come in time."""
        try:
            while self.frame():
                pass
        except ConnectionResetError:
            pass
        return True

    def answers(self, *streams):
        """Return, for each of these streams, its fields and its data, read to its end."""
        fields, data, open_streams = defaultdict(dict), defaultdict(bytes), set(streams)
        while open_streams:
            kind, flags, stream, payload = self.frame()
            if kind == HEADERS:
                assert flags & END_HEADERS
                fields[stream] |= dict(self.decoder.decode(payload))
            elif kind == DATA:
                data[stream] += payload
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                open_streams.discard(stream)
        return [(fields[stream], data[stream]) for stream in streams]

    def answer(self, stream):
        """Return the fields and the data of one stream."""
        return self.answers(stream)[0]

    def _read(self, size):
        while len(self.got) < size:
            part = self.socket.recv(65536)
            if not part:
                return None
            self.got += part
        found, self.got = self.got[:size], self.got[size:]
        return found
