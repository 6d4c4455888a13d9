"""The project's own gunicorn, without a caller check, spoken to through plain sockets."""

import json
import socket

from tests.stack import WebProcess


class Server(WebProcess):
    """`with Server(folder) as server:` listens on a free loopback port."""

    def __init__(self, folder, *options, **how):
        super().__init__(folder, *options, **{"RECEIVER_AUTH": "off"} | how)

    def last_id(self):
        return self.rows("SELECT coalesce(max(id), 0) FROM receiver_event")[0][0]

    def event(self, pk):
        columns = ["method", "path", "query", "headers", "body", "body_size", "status"]
        sql = f"SELECT {', '.join(columns)} FROM receiver_event WHERE id = ?"  # noqa: S608
        event = dict(zip(columns, self.rows(sql, [int(pk)])[0], strict=True))
        if isinstance(event["headers"], str):
            event["headers"] = json.loads(event["headers"])
        return event | {"id": int(pk), "body": bytes(event["body"])}

    def refused(self, reason):
        sql = "SELECT reason, sum(count) FROM receiver_refusal GROUP BY reason"
        return int(dict(self.rows(sql)).get(reason, 0))

    def connect(self):
        return socket.create_connection(self.address, timeout=30)

    def speak(self, *pieces, half_close=False):
        """Send the pieces, read until the server closes; returns everything that came."""
        with self.connect() as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass  # a refusal may come before the last byte is taken
            return received(connection)


def received(connection):
    """Read until the end of the connection, or until the first answer is whole."""
    found = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return found
        found += piece
        head, ended, body = found.partition(b"\r\n\r\n")
        length = b"content-length: "
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(length)]
        if not piece or (ended and lengths and len(body) >= int(lengths[0][len(length) :])):
            return found
