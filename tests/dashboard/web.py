"""A small web server for what the dashboard asks over HTTP."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answers:
    """Answers GET by a table of path -> (status, body); 404 for the rest."""

    def __init__(self, answers: dict[str, tuple[int, bytes]]) -> None:
        self.answers = answers
        table = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = table.answers.get(self.path, (404, b""))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/health-elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Answers":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
