"""The receiver on the wire: what is sent through a socket to gunicorn is what is stored."""

import gzip
import re

import pytest

from tests.processes import eventually
from tests.receiver.server import Server, received

CRLF = b"\r\n"
ALL_BYTES = bytes(range(256)) * 40
CAP = 10 * 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("wire")) as running:
        yield running


def head(*lines, method=b"POST", target=b"/receive"):
    first = [method + b" " + target + b" HTTP/1.1", b"Host: localhost"]
    return CRLF.join([*first, *lines]) + CRLF * 2


def sized(body, *lines, **line):
    return head(*lines, b"Content-Length: %d" % len(body), **line) + body


def chunked(*chunks, end=b"0\r\n\r\n"):
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head(b"Transfer-Encoding: chunked") + framed + end


def stored(server, *request):
    """Send a request that must be taken; returns its event."""
    answer = server.speak(*request)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
    return server.event(re.search(rb"Stored as event (\d+)\.", answer)[1])


def refused(server, status, *request, **how):
    """Send a request that must be refused; nothing may be stored."""
    before = server.last_id()
    answer = server.speak(*request, **how)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert server.last_id() == before
    return answer


@pytest.mark.parametrize(
    ("request_bytes", "body"),
    [
        (sized(ALL_BYTES), ALL_BYTES),
        (sized(b""), b""),
        (head(), b""),
        (chunked(b"Hello"), b"Hello"),
        (chunked(ALL_BYTES, b"\r\n0\r\n\r\n", ALL_BYTES), ALL_BYTES + b"\r\n0\r\n\r\n" + ALL_BYTES),
        (chunked(), b""),
        (chunked(b"x", end=b"0\r\nX-Trailer: 1\r\n\r\n"), b"x"),
        (head(b"Transfer-Encoding: chunked") + b"5;name=value\r\nHello\r\n0\r\n\r\n", b"Hello"),
        (sized(gzip.compress(b"packed"), b"Content-Encoding: gzip"), gzip.compress(b"packed")),
        (sized(b"a=1", b"Content-Type: application/x-www-form-urlencoded"), b"a=1"),
        (sized(b"--x", b"Content-Type: multipart/form-data; boundary=x"), b"--x"),
        (sized(b"with GET", method=b"GET"), b"with GET"),
        (sized(b"at the root", target=b"/"), b"at the root"),
        (sized(b"absolute", target=b"http://localhost/receive"), b"absolute"),
    ],
)
def test_the_bytes_that_were_sent(server, request_bytes, body):
    event = stored(server, request_bytes)
    assert event["body"] == body
    assert (event["body_size"], event["status"]) == (len(body), 200)


def test_a_body_that_comes_byte_by_byte(server):
    request = sized(b"slowly")
    assert stored(server, *(request[i : i + 1] for i in range(len(request))))["body"] == b"slowly"


def test_a_body_of_the_limit(server):
    body = b"\xff" * CAP
    assert stored(server, sized(body))["body"] == body


def test_a_body_that_waits_to_be_asked_for(server):
    with server.connect() as connection:
        connection.sendall(head(b"Content-Length: 5", b"Expect: 100-continue"))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"Hello")
        assert received(connection).startswith(b"HTTP/1.1 200 OK")


def test_two_requests_on_one_connection(server):
    with server.connect() as connection:
        for body in (b"first", b"second"):
            connection.sendall(sized(body))
            answer = received(connection)
            assert server.event(re.search(rb"event (\d+)\.", answer)[1])["body"] == body


@pytest.mark.parametrize(
    "request_bytes",
    [
        head(b"Content-Length: 500") + b"Hello",
        head(b"Content-Length: 500"),
        head(b"Transfer-Encoding: chunked") + b"5\r\nHel",
        chunked(b"Hello", end=b""),
        chunked(b"Hello", end=b"0\r\n"),
    ],
)
def test_a_truncated_body_is_400(server, request_bytes):
    before = server.refused("truncated")
    refused(server, 400, request_bytes, half_close=True)
    assert server.refused("truncated") == before + 1


def test_a_truncated_body_of_a_client_that_left_is_not_stored(server):
    before, last = server.refused("truncated"), server.last_id()
    with server.connect() as connection:
        connection.sendall(head(b"Content-Length: 500") + b"Hello")
    eventually(lambda: server.refused("truncated") == before + 1)
    assert server.last_id() == last


@pytest.mark.parametrize(
    "chunks", [b"xyz\r\nHello\r\n0\r\n\r\n", b"5\r\nHelloooo\r\n0\r\n\r\n", b"-5\r\nHello\r\n"]
)
def test_a_bad_chunk_is_400(server, chunks):
    before = server.refused("truncated")
    refused(server, 400, head(b"Transfer-Encoding: chunked") + chunks)
    assert server.refused("truncated") == before + 1


def test_too_large_by_its_length_is_413_before_the_body_is_sent(server):
    before = server.refused("too-large")
    answer = refused(server, 413, head(b"Content-Length: %d" % (CAP + 1)))
    assert b"Cache-Control: no-store" in answer
    assert server.refused("too-large") == before + 1


def test_too_large_by_its_chunks_is_413(server):
    before = server.refused("too-large")
    mebibyte = b"x" * 1024 * 1024
    # Exactly one byte over, so that all of it is taken before the answer.
    refused(server, 413, chunked(*[mebibyte] * 10, b"x"))
    assert server.refused("too-large") == before + 1


@pytest.mark.parametrize(
    "lines",
    [
        [b"Content-Length: abc"],
        [b"Content-Length: +5"],
        [b"Content-Length: 5", b"Content-Length: 5"],
        [b"Content-Length: 5", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: chunked, identity"],
        [b"X-Nul: a\x00b"],
    ],
)
def test_what_the_server_itself_refuses(server, lines):
    refused(server, 400, head(*lines) + b"Hello")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/receive/a%00b", "/receive/a%00b", ""),
        (b"/receive/%FF%fe", "/receive/%FF%fe", ""),
        (b"/receive/%C3%A9%2F", "/receive/%C3%A9%2F", ""),
        (b"/receive/..//x/./", "/receive/..//x/./", ""),
        (b"/receive?a=%00&b=%FF&c=%0A&d='\"<>", "/receive", "a=%00&b=%FF&c=%0A&d='\"<>"),
        (b"/receive?x=1?y=2&api_key=s3cret", "/receive", None),
        (b"/receive/" + b"p" * 3000, ("/receive/" + "p" * 3000)[:2083], ""),
    ],
)
def test_the_path_and_query_that_were_sent(server, target, path, query):
    event = stored(server, head(target=target))
    assert event["path"] == path
    if query is None:
        assert event["query"].startswith("x=1?y=2&api_key=<masked, sha256 ")
    else:
        assert event["query"] == query


def test_the_headers_that_were_sent(server):
    event = stored(
        server,
        head(
            "X-Name: Zoë 💚".encode(),
            b"X-Bytes: \xff\x9b31m \xe2\x80\xae",
            b'x-lower: a:b\\c"<>',
            b"X-Twice: a",
            b"X-Twice: b",
            b"X_CloudTasks_TaskName: underscore",
            b"X-Long: " + b"l" * 16000,
            b"Cookie: sessionid=s3cret",
            method=b"PUT",
        ),
    )
    headers = dict(event["headers"])
    assert headers["X-Name"] == "Zoë 💚"
    assert headers["X-Bytes"] == r"\xff\x9b31m \u202e"
    assert headers["X-Lower"] == 'a:b\\c"<>'
    assert headers["X-Twice"] == "a,b"
    assert "X-Cloudtasks-Taskname" not in headers
    assert "X-CloudTasks-TaskName" not in headers
    assert headers["X-Long"] == "l" * 16000
    assert "s3cret" not in str(headers)
    assert event["method"] == "PUT"


def test_one_log_line_an_event(server):
    marked = b"line-\x1b[31m\r\n\xe2\x80\xa8\xff-end"
    stored(server, sized(marked))
    shown = r"Event Display received event: line-\x1b[31m\x0d\x0a\u2028\xff-end"
    eventually(lambda: shown in server.process.output.split("\n"))


@pytest.mark.parametrize("target", [b"/receive/\xc3\xa9", b"/receive?b=\xff", b"/receive/a b"])
def test_what_the_server_refuses_in_the_first_line(server, target):
    refused(server, 400, head(target=target))


def test_a_host_that_is_not_ours_stores_nothing(server):
    refused(
        server, 400, b"GET /receive HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    )
