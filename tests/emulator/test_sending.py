"""The rules of redirects and Retry-After as tables, and certificates of https targets."""

import ssl
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from emulator.ports import StartFailed
from emulator.sending import Sending, redirected, retry_after
from tests.emulator.conftest import NOW
from tests.emulator.test_sender import key, order, send  # noqa: F401  a fixture
from tests.emulator.tls import certificate_pem, new_key, private_pem


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0),
        ("7", 7),
        (" 7 ", 7),
        ("-7", 0),
        ("soon", 0),
        ("", 0),
        ("9" * 30, 0),
        ("Wed, 01 Jul 2026 12:01:00 GMT", 59.75),
        ("Wed, 01 Jul 2020 12:01:00 GMT", 0),
        ("\N{ARABIC-INDIC DIGIT ONE}", 0),
    ],
)
def test_how_long_an_answer_asks_to_wait(value, seconds):
    assert retry_after(value, NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("status", "method", "location", "following"),
    [
        (302, "POST", "/b", ("http://h/b", "GET")),
        (301, "HEAD", "/b", ("http://h/b", "HEAD")),
        (307, "POST", "b?c", ("http://h/x/b?c", "POST")),
        (308, "DELETE", "https://o/", ("https://o/", "DELETE")),
        (303, "PUT", "//o/", ("http://o/", "GET")),
        (302, "POST", None, None),
        (302, "POST", "", None),
        (304, "GET", "/b", None),
        (200, "GET", "/b", None),
        (300, "GET", "/b", None),
    ],
)
def test_what_follows_a_redirect(status, method, location, following):
    assert redirected("http://h/x/a", method, status, location) == following


@pytest.fixture(scope="module")
def private_ca(tmp_path_factory):
    secret = new_key()
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    path.write_bytes(certificate_pem(secret) + private_pem(secret))
    return str(path)


class Quiet(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


class QuietServer(HTTPServer):
    def handle_error(self, request, client_address):
        """A client that does not trust us goes away in the middle of the handshake."""


@pytest.fixture
def https_url(private_ca):
    server = QuietServer(("127.0.0.1", 0), Quiet)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(private_ca)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_private_authority_is_trusted_when_named(key, https_url, private_ca):  # noqa: F811
    assert send(key, order(https_url), Sending(target_ca=private_ca)).status == 204
    assert send(key, order(https_url), Sending(target_insecure=True)).status == 204
    refused = send(key, order(https_url))
    assert refused.status is None
    assert "certificate" in refused.error.lower()


def test_a_ca_file_that_cannot_be_read_stops_the_start(tmp_path):
    (tmp_path / "no.pem").write_text("nothing")
    for name, reason in (("no.pem", ""), ("none.pem", "No such file or directory")):
        with pytest.raises(StartFailed, match=f"{name} cannot be read: .*{reason}"):
            Sending(target_ca=str(tmp_path / name)).tls()


def test_an_app_engine_task_without_an_address_is_not_sent(key):  # noqa: F811
    answer = send(key, order("/x", app_engine="api"))
    assert answer.status is None
    assert answer.error == (
        "No address is known for the App Engine service 'api': start the emulator with "
        "--app-engine-host api=URL."
    )
