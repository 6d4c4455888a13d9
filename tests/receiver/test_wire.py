"""The receiver on the wire: what is sent through a socket to gunicorn is what is stored."""

import gzip
import re
import socket

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
    eventually(lambda: server.refused("truncated") > before)


def test_a_truncated_body_of_a_client_that_left_is_not_stored(server):
    before, last = server.refused("truncated"), server.last_id()
    with server.connect() as connection:
        connection.sendall(head(b"Content-Length: 500") + b"Hello")
    eventually(lambda: server.refused("truncated") > before)
    assert server.last_id() == last


@pytest.mark.parametrize(
    "chunks", [b"xyz\r\nHello\r\n0\r\n\r\n", b"5\r\nHelloooo\r\n0\r\n\r\n", b"-5\r\nHello\r\n"]
)
def test_a_bad_chunk_is_400(server, chunks):
    before = server.refused("truncated")
    refused(server, 400, head(b"Transfer-Encoding: chunked") + chunks)
    eventually(lambda: server.refused("truncated") > before)


def test_too_large_by_its_length_is_413_before_the_body_is_sent(server):
    before = server.refused("too-large")
    answer = refused(server, 413, head(b"Content-Length: %d" % (CAP + 1)))
    assert b"cache-control: no-store" in answer.lower()
    assert b"connection: close" in answer.lower()
    eventually(lambda: server.refused("too-large") > before)


def test_too_large_by_its_chunks_is_413(server):
    before = server.refused("too-large")
    mebibyte = b"x" * 1024 * 1024
    # Exactly one byte over, so that all of it is taken before the answer.
    refused(server, 413, chunked(*[mebibyte] * 10, b"x"))
    eventually(lambda: server.refused("too-large") > before)


@pytest.mark.parametrize(
    "lines",
    [
        [b"Content-Length: abc"],
        [b"Content-Length: +5"],
        [b"Content-Length: 5", b"Content-Length: 5"],
        [b"Content-Length: 5", b"Transfer-Encoding: chunked"],
        [b"Content-Length: 5,5"],
        [b"Content-Length: 1_0"],
        [b"Content-Length: -5"],
        [b"Content-Length: 5 5"],
        [b"Content-Length: 0x5"],
        [b"Content-Length: \xc2\xb2"],
        [b"Content-Length: " + b"9" * 30],
        [b"Content-Length: 5", b"Content-Length: 6"],
        [b"Transfer-Encoding: chunked", b"Content-Length: 5"],
        [b"Transfer-Encoding: chunked, identity"],
        [b"Transfer-Encoding: identity"],
        [b"Transfer-Encoding: gzip"],
        [b"Transfer-Encoding: chunked, chunked"],
        [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: xchunked"],
        [b"Transfer-Encoding:\x0bchunked"],
        [b"Transfer-Encoding : chunked"],
        [b"Content-Length : 5"],
        [b" Content-Length: 5"],
        [b"Host: evil.example"],
        [b"Content-Type: a/b", b"Content-Type: c/d"],
        [b"X-Folded: a", b" b"],
        [b"X-Nul: a\x00b"],
        [b"X-Escape: a\x1bb"],
        [b"X-Bare: a\nContent-Length: 5"],
        [b"X-Bare: a\rContent-Length: 5"],
        [b"No colon"],
        [b": no name"],
        [b"X Name: 1"],
        [b"X-N\xc3\xa4me: 1"],
    ],
)
def test_what_the_server_itself_refuses(server, lines):
    answer = refused(server, 400, head(*lines) + b"Hello")
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"post /receive HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /receive HTTP/1.1\nHost: localhost\n\n",
        b"POST /receive HTTP/2.0\r\nHost: localhost\r\n\r\n",
        b"POST /receive\r\n\r\n",
        b"POST receive HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /receive HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_request_of_http_1(server, request_bytes):
    refused(server, 400, request_bytes)


def line(length):
    """A request line of so many bytes, its end not counted."""
    return head(target=b"/receive/".ljust(length - len(b"POST  HTTP/1.1"), b"p"))


def field(length):
    """A header of so many bytes, its end counted."""
    return head(b"X-Long: ".ljust(length - 2, b"l"))


@pytest.mark.parametrize(
    "request_bytes",
    [line(8190), field(16384), head(*[b"X-Many: 1"] * 99), head(*[field(16000)[42:-4]] * 99)],
)
def test_a_head_of_the_limit(server, request_bytes):
    stored(server, request_bytes)


@pytest.mark.parametrize(
    ("status", "request_bytes"),
    [
        (414, line(8191)),
        (414, b"POST /" + b"p" * 9000),
        (431, field(16385)),
        (431, head(*[b"X-Many: 1"] * 100)),
        (431, head()[:-2] + b"X-Endless: " + b"x" * 2_000_000),
        (431, head(b"Transfer-Encoding: chunked") + b"0\r\n" + b"X-Trailer: 1\r\n" * 200),
    ],
)
def test_a_head_over_the_limit(server, status, request_bytes):
    refused(server, status, request_bytes)


def test_a_trailer_is_no_header(server):
    event = stored(server, chunked(b"x", end=b"0\r\nX-CloudTasks-TaskName: forged\r\n\r\n"))
    assert "X-CloudTasks-TaskName" not in dict(event["headers"])


def test_a_client_that_closed_its_side_reads_its_answer(server):
    with server.connect() as connection:
        connection.sendall(sized(b"whole"))
        connection.shutdown(socket.SHUT_WR)
        assert received(connection).startswith(b"HTTP/1.1 200 OK")


def test_requests_in_one_packet_are_answered_in_turn(server):
    with server.connect() as connection:
        connection.sendall(sized(b"one") + chunked(b"two") + sized(b"three"))
        got = b""
        while got.count(b"Stored as event") < 3:
            piece = connection.recv(65536)
            assert piece, got
            got += piece
    ids = re.findall(rb"event (\d+)\.", got)
    assert [server.event(found)["body"] for found in ids] == [b"one", b"two", b"three"]


def test_an_answer_that_is_owed_goes_before_the_refusal_of_the_next(server):
    answer = server.speak(sized(b"good") + b"\x00nonsense\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"400" not in answer


UPGRADE = [b"Connection: Upgrade", b"Upgrade: h2c"]


@pytest.mark.parametrize(
    "pieces",
    [
        [sized(b"kept", *UPGRADE)],
        [head(b"Content-Length: 4", *UPGRADE), b"ke", b"pt"],
        [head(b"Transfer-Encoding: chunked", *UPGRADE) + b"4\r\nkept\r\n", b"0\r\n\r\n"],
        # As a second request it would be one that nobody checked.
        [head(b"Content-Length: 4", *UPGRADE), b"kept" + sized(b"behind")],
    ],
)
def test_an_offered_upgrade_is_declined_and_its_body_kept(server, pieces):
    event = stored(server, *pieces)
    assert event["body"] == b"kept"
    assert server.last_id() == event["id"]


def test_head_has_no_body_on_the_wire(server):
    with server.connect() as connection:
        connection.sendall(head(method=b"HEAD") + sized(b"next"))
        got = b""
        while b"Stored" not in got:
            got += connection.recv(65536)
    first, _, second = got.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert second.startswith(b"HTTP/1.1 200 OK")


def test_a_refusal_is_no_invitation_to_send_the_body(server):
    lines = [b"Content-Length: %d" % (CAP + 1), b"Expect: 100-continue"]
    refused(server, 413, head(*lines))


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
            b"X-Blanks:\t  a b \t ",
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
    assert headers["X-Blanks"] == "a b"
    assert headers["X-Long"] == "l" * 16000
    assert "s3cret" not in str(headers)
    assert event["method"] == "PUT"


def test_one_log_line_an_event(server):
    marked = b"line-\x1b[31m\r\n\xe2\x80\xa8\xff-end"
    stored(server, sized(marked))
    shown = r"Event Display received event: line-\x1b[31m\x0d\x0a\u2028\xff-end"
    eventually(lambda: shown in server.process.output.split("\n"))


@pytest.mark.parametrize(
    "target", [b"/receive/\xc3\xa9", b"/receive?b=\xff", b"/receive/a b", b"/receive#x"]
)
def test_what_the_server_refuses_in_the_first_line(server, target):
    refused(server, 400, head(target=target))


def test_a_host_that_is_not_ours_stores_nothing(server):
    refused(
        server, 400, b"GET /receive HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    )
