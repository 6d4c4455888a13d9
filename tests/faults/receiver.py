"""A target that can be killed: `python receiver.py DESCRIPTOR FILE` answers 200 once it is on disk.

It listens on a socket that its parent holds, so a request meets a new process, not a closed port.
"""

import os
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORK_SECONDS = 0.01  # so that a kill finds some requests not recorded yet


class Recorder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(WORK_SECONDS)
        name = self.headers["X-CloudTasks-TaskName"]
        os.write(self.server.file, f"{name}\n".encode())  # one write, which appends as a whole
        os.fdatasync(self.server.file)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main(descriptor, path):
    server = Server(("127.0.0.1", 0), Recorder, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=descriptor)
    server.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
