"""Which Host the HTTP port answers to, and that whatever it answers is JSON."""

import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest

from emulator.hosts import is_ours
from tests.processes import EmulatorProcess, eventually

QUEUE = "/v2/projects/demo/locations/us-central1/queues/none"


@pytest.mark.parametrize(
    "host",
    [
        None,
        "127.0.0.1:8124",
        "localhost",
        "LOCALHOST.:8124",
        "tasks.localhost:1",
        "[::1]:8124",
        "[fe80::1%25eth0]:8124",
        "10.1.2.3",
        "emulator:8124",
        "host.docker.internal:8124",
        "tasks.default.svc.cluster.local",
        "tasks.example.com:80",
        "Tasks.Example.com.",
    ],
)
def test_addresses_and_names_that_nobody_can_register_are_ours(host):
    assert is_ours(host, ["tasks.example.com"])


@pytest.mark.parametrize(
    "host",
    ["", ":8124", "evil.test", "evil.test:8124", "127.0.0.1.evil.test", "localhost.evil.test",
     "x@evil.test", "[", "internal.evil.test", "xinternal.evil", "127.0.0.1%.evil.test"],
)  # fmt: skip
def test_other_names_are_not(host):
    assert not is_ours(host, ["tasks.example.com"])


def test_a_star_is_any_name():
    assert is_ours("evil.test", ["*"])


def ask(base, method, path, body=None, **headers):
    """Return status, headers and JSON of a request with the headers given."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/metrics", "/emulator/tasks", "/emulator/clock", QUEUE, "/x"])
def test_a_name_that_was_made_to_point_here_reads_nothing(emulator, path):
    status, _, answer = ask(emulator.http_url, "GET", path, Host="evil.test:8124")
    assert status == 403
    assert answer["error"]["status"] == "PERMISSION_DENIED"
    assert answer["error"]["message"] == (
        "Requests to evil.test:8124 are refused, for another site's page could send them. Where "
        "that name is this emulator's, list it in EMULATOR_ALLOWED_HOSTS."
    )


@pytest.mark.parametrize(
    "path", ["/health", "/certs", "/jwks", "/.well-known/openid-configuration"]
)
def test_what_targets_and_probes_read_is_for_every_name(emulator, path):
    assert ask(emulator.http_url, "GET", path, Host="tasks.example.com")[0] == 200


def test_a_name_in_the_settings_and_the_issuers_are_answered(tmp_path):
    issuer = ["--openid-issuer", "http://issuer.example.com"]
    allowed = {"EMULATOR_ALLOWED_HOSTS": "a.example.com,b.example.com"}
    with EmulatorProcess(tmp_path, *issuer, **allowed) as own:
        for host in ("b.example.com:1", "issuer.example.com"):
            assert ask(own.http_url, "GET", "/emulator/clock", Host=host)[0] == 200
        assert ask(own.http_url, "GET", "/emulator/clock", Host="c.example.com")[0] == 403


# JSON ---------------------------------------------------------------------------------------
def test_a_path_that_is_none_is_said_in_json(emulator):
    status, _, answer = ask(emulator.http_url, "GET", "/V2/projects")
    assert (status, answer["error"]["status"]) == (404, "NOT_FOUND")
    assert answer["error"]["message"] == "There is nothing at /V2/projects."


def test_a_wrong_verb_is_said_in_json(emulator):
    status, headers, answer = ask(emulator.http_url, "POST", "/metrics")
    assert (status, answer["error"]["status"]) == (405, "METHOD_NOT_ALLOWED")
    assert headers["Allow"] == "GET,HEAD"
    assert answer["error"]["message"] == "This URL takes GET, HEAD."


def test_a_body_that_is_not_what_it_says_is_refused(emulator):
    zipped = {"Content-Encoding": "gzip"}
    status, _, answer = ask(emulator.http_url, "POST", f"{QUEUE}/tasks", b"{}", **zipped)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert answer["error"]["message"].startswith("The body cannot be read: ")


def test_a_body_that_is_not_what_it_says_leaves_no_trace(tmp_path):
    with EmulatorProcess(tmp_path) as own:
        at = urlsplit(own.http_url)
        with socket.create_connection((at.hostname, at.port)) as client:
            head = f"POST {QUEUE}/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
            client.sendall(f"{head}Content-Encoding: gzip\r\n\r\n{{}}".encode())
            answer = b"".join(iter(lambda: client.recv(65536), b""))  # to the end of it
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert ask(own.http_url, "GET", "/health")[0] == 200
        own.process.stop()
        assert len(own.process.lines) == 1, own.process.output


def test_a_client_that_goes_away_in_its_body_leaves_no_trace(tmp_path):
    with EmulatorProcess(tmp_path) as own:
        at = urlsplit(own.http_url)
        with socket.create_connection((at.hostname, at.port)) as client:
            head = f"POST {QUEUE}/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{{"
            client.sendall(head.encode())
            assert eventually(lambda: ask(own.http_url, "GET", "/health")[0] == 200)
        assert ask(own.http_url, "GET", "/health")[0] == 200
        own.process.stop()
        assert len(own.process.lines) == 1, own.process.output
