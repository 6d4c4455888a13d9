"""The short way of a delivery and the usual one: what one says, keeps and counts, the other does.

Both are the whole front, without a database: the same bytes are sent to a server that offers the
short way and to one that does not.
"""

import asyncio
import re
import time
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from receiver import committer, direct
from receiver.answers import Answer
from receiver.direct import LARGEST_BODY
from receiver.front import Front
from receiver.recorder import StoreAway
from tests.receiver.connection import request, spoken

CAP = LARGEST_BODY + 1000
TIMED = {"received_at", "took_us", "_state"}


class Store:
    """Stands where the database does: keeps events, gives them `answer` or `error`."""

    def __init__(self):
        self.answer = self.error = None

    def begin(self):
        self.events, self.refused = [], []

    def __call__(self, deliveries):
        for delivery in deliveries:
            said = vars(delivery.event).items()
            self.events.append({name: value for name, value in said if name not in TIMED})
            delivery.event.pk = len(self.events)
            delivery.answer, delivery.error = self.answer, self.error


class Counted:
    """Stands where refusals are counted."""

    def __init__(self, store):
        self._store = store

    def __bool__(self):
        return False

    def note(self, environ, refused):
        claimed = (refused.account, refused.audience, environ.get("HTTP_X_CLOUDTASKS_TASKNAME"))
        self._store.refused.append((refused.reason, *claimed))


async def page(scope, receive, send):
    """Say which page was asked for."""
    while (await receive()).get("more_body"):
        pass
    said = b"page " + scope["raw_path"]
    headers = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": said})


@pytest.fixture
def store(monkeypatch):
    found = Store()
    monkeypatch.setattr(committer, "store", found)
    monkeypatch.setattr(committer, "write_lines", lambda deliveries: None)
    monkeypatch.setattr(committer, "TurnedAway", lambda: Counted(found))
    return found


@pytest.fixture
def way(store, issuer, settings, monkeypatch):
    """Send pieces to a front, with its short way or without; return all that came of it."""
    settings.MAX_BODY_BYTES = CAP
    settings.ALLOWED_HOSTS = ["localhost"]

    def go(pieces, *, short, alone=False, end=True):
        store.begin()
        short_ones = []
        taken = direct.Taken.__init__

        def count(self, *args):
            short_ones.append(self)
            taken(self, *args)

        async def main():
            front = Front(page, alone=alone)

            async def usual(scope, receive, send):
                await front(scope, receive, send)

            try:
                return await spoken(front if short else usual, *pieces, end=end)
            finally:
                await front._committer.close()

        with monkeypatch.context() as patch:
            patch.setattr(direct.Taken, "__init__", count)
            said = asyncio.run(main())
        return SimpleNamespace(
            said=answers(said, ended=end),
            events=store.events,
            refused=store.refused,
            short=len(short_ones),
        )

    return go


def answers(said, *, ended):
    """Split what was said into answers: the first line, the header lines sorted, the body.

    Where the sender has ended its side, it is chance whether the server saw it in time to say so.
    """
    left_out = (b"date:", b"connection: close") if ended else b"date:"
    found = []
    for one in re.split(rb"(?=HTTP/1\.1 \d)", said)[1:]:
        head, _, body = one.partition(b"\r\n\r\n")
        line, *headers = head.split(b"\r\n")
        found.append((line, sorted(h for h in headers if not h.startswith(left_out)), body))
    return found


@pytest.fixture
def agree(way):
    """Send pieces both ways; return what came of them, which must be the same."""

    def both(*pieces, **options):
        usual, short = (way(pieces, short=short, **options) for short in (False, True))
        assert usual.short == 0
        assert short.said == usual.said
        assert short.events == usual.events
        assert short.refused == usual.refused
        return short

    return both


@pytest.fixture
def no_caller(settings, issuer):
    settings.RECEIVER_AUTH = "off"


def head(*lines, method=b"POST", path=b"/receive"):
    return request(b"", *lines, method=method, path=path, length=False)


LINE = len(b"POST  HTTP/1.1")
CHUNKED = b"Transfer-Encoding: chunked"
# What is sent: whether all of it goes the short way, and the statuses that are answered.
TABLE = {
    "plain": (True, [200], request()),
    "empty": (True, [200], request(b"")),
    "no length": (True, [200], head()),
    "put": (True, [200], request(method=b"PUT")),
    "get": (True, [200], head(method=b"GET")),
    "options": (True, [200], head(method=b"OPTIONS")),
    "at the root": (True, [200], request(path=b"/")),
    "path and query": (True, [200], request(path=b"/receive/a%20%00%ff//..?b=%0a&token=x?y")),
    "absolute": (True, [200], request(path=b"http://localhost/receive/a?b=c")),
    "absolute, elsewhere": (True, [200], request(path=b"http://elsewhere:1/receive")),
    "closes": (True, [200], request(b"Hello", b"Connection: close")),
    "stays": (True, [200], request(b"Hello", b"Connection: keep-alive")),
    "other expectation": (True, [200], request(b"Hello", b"Expect: 200-ok")),
    "twice": (True, [200], request(b"Hello", b"X-A: 1", b"X-B: 2", b"x-a: 3")),
    "underscore": (True, [200], request(b"", b"X_CloudTasks_TaskName: 1", b"Content_Length: 9")),
    "bytes": (True, [200], request(b"\x00\xff\r\n\r\n", b"X-A: \xff\xc3\xa9", b"X-B:\t a\t ")),
    "empty header": (True, [200], request(b"", b"X-A:", b"Content-Type:")),
    "secrets": (True, [200], request(b"", b"Cookie: a=b", b"X-Api-Key: c", b"Referer: /?key=d")),
    "task": (True, [200], request(b"", b"X-CloudTasks-TaskName: 1", b"X-CloudTasks-TaskETA: 1.5")),
    "largest line": (True, [200], head(path=b"/receive/".ljust(8190 - LINE, b"p"))),
    "largest field": (True, [200], head(b"X-Long: ".ljust(16382, b"l"))),
    "most fields": (True, [200], head(*[b"X-Many: 1"] * 99)),
    "largest body": (True, [200], request(b"x" * LARGEST_BODY)),
    "without a host": (False, [400], request().replace(b"Host: localhost\r\n", b"")),
    "of another host": (False, [400], request().replace(b"localhost", b"elsewhere")),
    "of a host with a port": (True, [200], request().replace(b"localhost", b"localhost:81")),
    "of an odd host": (False, [400], request().replace(b"localhost", b"local/host")),
    "two hosts": (False, [400], request(b"", b"Host: localhost")),
    "two lengths": (False, [400], request(b"Hello", b"Content-Length: 5")),
    "two types": (False, [400], request(b"", b"Content-Type: a/b", b"Content-Type: a/b")),
    "length and chunks": (False, [400], request(b"0\r\n\r\n", CHUNKED)),
    "odd length": (False, [400], head(b"Content-Length: +5") + b"Hello"),
    "control character": (False, [400], head(b"X-A: \x01")),
    "folded": (False, [400], head(b"X-A: a", b" b")),
    "blank before the colon": (False, [400], head(b"Content-Length : 0")),
    "odd target": (False, [400], head(path=b"/receive#a")),
    "no path": (False, [202], head(path=b"*")),
    "over the line": (False, [414], head(path=b"/receive/".ljust(8191 - LINE, b"p"))),
    "over a field": (False, [431], head(b"X-Long: ".ljust(16383, b"l"))),
    "over the fields": (False, [431], head(*[b"X-Many: 1"] * 100)),
    "larger": (False, [200], request(b"x" * (LARGEST_BODY + 1))),
    "too large": (False, [413], head(b"Content-Length: %d" % (CAP + 1))),
    "chunks": (False, [200], head(CHUNKED) + b"5\r\nHello\r\n0\r\n\r\n"),
    "asks first": (False, [100, 200], request(b"Hello", b"Expect: 100-continue")),
    "head": (False, [200], head(method=b"HEAD")),
    "upgrade": (False, [200], request(b"Hello", b"Connection: upgrade", b"Upgrade: h2c")),
    "old": (False, [200], request().replace(b"HTTP/1.1", b"HTTP/1.0")),
    "a page": (False, [202], request(path=b"/events/")),
    "a person": (False, [202], head(method=b"GET", path=b"/")),
    "two": (True, [200, 200], request(b"1") + request(b"2")),
    "two and a page": (True, [200, 202, 200], request() + head(path=b"/x") + request(b"3")),
    "one and nonsense": (True, [200], request() + b"\x00nonsense\r\n\r\n"),
    "more than announced": (True, [200], request() + b"more"),
    "less than announced": (True, [400], request()[:-1]),
    "half a head": (False, [], request()[:40]),
}


@pytest.mark.parametrize("name", TABLE)
def test_both_ways_are_one(agree, no_caller, name):
    is_short, statuses, sent = TABLE[name]
    found = agree(sent)
    assert [int(line.split()[1]) for line, *_ in found.said] == statuses
    assert bool(found.short) is is_short


@pytest.mark.parametrize(
    "name", ["closes", "old", "of another host", "two hosts", "over a field", "too large"]
)
def test_which_of_them_end_the_connection(agree, no_caller, name):
    found = agree(TABLE[name][2], end=False)
    assert all(b"connection: close" in headers for _, headers, _ in found.said)
    assert len(found.said) == 1


@pytest.mark.parametrize("at", [1, 30, 60, -3])
@pytest.mark.parametrize("name", ["plain", "bytes", "two", "length and chunks", "two hosts"])
def test_in_pieces(agree, no_caller, name, at):
    found = agree(TABLE[name][2][:at], TABLE[name][2][at:])
    assert [int(line.split()[1]) for line, *_ in found.said] == TABLE[name][1]


def test_a_body_that_never_comes(agree, no_caller):
    found = agree(request(b"Hello")[:-1], end=False)
    assert found.said[0][0].startswith(b"HTTP/1.1 400 ")
    assert found.refused[0][0] == "truncated"
    assert found.short


@pytest.mark.parametrize("path", [b"/", b"/events/", b"/receive", b"/health"])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_a_receiver_that_is_alone(agree, no_caller, method, path):
    agree(head(method=method, path=path), alone=True)


def tokens(issuer):
    """Return tokens by name, one good and one for each mistake."""
    now = time.time()
    return {
        "good": issuer.token(),
        "for the path": issuer.token(aud="http://localhost:8080/receive"),
        "for elsewhere": issuer.token(aud="http://localhost:8080/elsewhere"),
        "expired": issuer.token(iat=now - 7200, exp=now - 3600),
        "not yet": issuer.token(nbf=now + 600),
        "too long": issuer.token(exp=now + 9000),
        "other account": issuer.token(email="other@example.com"),
        "unverified": issuer.token(email_verified=False),
        "other issuer": issuer.token(iss="https://example.com"),
        "other key": issuer.token(signed_by="two"),
        "unknown key": issuer.token(header={"kid": "kid-9"}),
        "no algorithm": issuer.token(header={"alg": "none"}),
        "removed": issuer.token().rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE",
        "nonsense": "a.b.c",
        "nothing": "",
    }


GOOD = {"verify": {"good", "for the path"}, "iam": {"good", "for the path", "removed"}}


@pytest.mark.parametrize("mode", ["verify", "iam", "off"])
def test_callers_are_known_and_refused_alike(agree, issuer, settings, mode):
    settings.RECEIVER_AUTH = mode
    statuses = set()
    for name, token in tokens(issuer).items():
        lines = [b"X-CloudTasks-TaskName: t", b"Authorization: Bearer " + token.encode()]
        # The second finds the issuer's keys and the first one's token kept.
        for _ in range(2):
            found = agree(request(b"Hello", *lines))
            status = int(found.said[0][0].split()[1])
            admitted = mode == "off" or name in GOOD[mode] or (mode == "iam" and "key" in name)
            admitted = admitted or (mode == "iam" and name == "no algorithm")
            assert (status == 200) is admitted, name
            assert bool(found.short) is admitted, name
            assert len(found.refused) == (not admitted)
            statuses.add(status)
        twice = agree(request(b"", *lines, lines[1]))
        assert mode == "off" or twice.refused
    assert statuses == ({200} if mode == "off" else {200, 401, 403})


@pytest.mark.parametrize("error", [StoreAway(), ValueError()])
def test_what_cannot_be_stored(agree, no_caller, store, error):
    store.error = error
    found = agree(request())
    line, headers, _ = found.said[0]
    away = isinstance(error, StoreAway)
    assert int(line.split()[1]) == (503 if away else 500)
    assert (b"retry-after: 5" in headers) is away
    assert found.short


def test_without_room(agree, no_caller, monkeypatch):
    monkeypatch.setattr(committer, "MOST_WAITING", 0)
    found = agree(request())
    assert found.said[0][0].startswith(b"HTTP/1.1 503 ")
    assert not found.events


@pytest.mark.parametrize(
    "answer",
    [
        Answer(418, "schön".encode(), (("Content-Type", "text/plain"), ("Retry-After", "7"))),
        *(Answer(status, b"", (("X-A", "b"),)) for status in (200, 204, 205, 304, 599)),
        Answer(503, b"late", (), delay=0.05),
        Answer(200, b"", (), drop=True),
        Answer(200, b"", (), delay=0.05, drop=True),
    ],
)
def test_what_a_rule_answers(agree, no_caller, store, answer):
    store.answer = answer
    found = agree(request(), request())
    statuses = [int(line.split()[1]) for line, *_ in found.said]
    assert statuses == ([] if answer.drop else [answer.status] * 2)
    assert found.short


@pytest.mark.parametrize("lines", [[], [b"Connection: close"]])
def test_a_mistake_of_ours_is_500(agree, no_caller, store, monkeypatch, lines):
    def fail(environ, scope):
        raise ZeroDivisionError

    for module in ("front", "direct"):
        monkeypatch.setattr(f"receiver.{module}.check_host", fail)
    found = agree(request(b"Hello", *lines))
    assert found.said[0][0].startswith(b"HTTP/1.1 500 ")


USUAL = [b"X-A: b", b"x-a:c", b"X_b: d", b"Accept: */*", b"Content-Type:\ta/b\t", b"Cookie: a=b"]
ODD = [
    *(
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: identity",
        b"transfer-encoding:\tchunked",
    ),
    *(b"Content-Length: 5", b"content-length: 05", b"Content-Length: +5", b"Content-Length: 5,5"),
    *(b"Content_Length: 4", b"Content-Length:", b"Host: localhost", b"Host: elsewhere"),
    *(b"Connection: close", b"Connection: keep-alive, TE", b"Connection: upgrade", b"Upgrade: h2c"),
    *(b"Expect: 100-continue", b"Expect: x", b"TE: trailers", b"Keep-Alive: 5", b"X-A : b", b": b"),
    *(b"X-A: a\rb", b"X-A: a\nb: c", b" folded", b"X-A: \x00", b"X-A: \xff", b"X-A\xff: b", b"X-A"),
]
LINE = st.sampled_from(USUAL * 12 + ODD) | st.sampled_from(USUAL)
PATHS = [b"/receive"] * 9 + [b"/", b"/receive/%61?b", b"//receive", b"/x", b"*", b"/a b", b"/\xff"]


@given(
    lines=st.lists(LINE, max_size=4),
    method=st.sampled_from([b"POST"] * 12 + [b"GET", b"HEAD", b"PUT", b"OPTIONS", b"post", b"PRI"]),
    path=st.sampled_from(PATHS),
    version=st.sampled_from([b"HTTP/1.1"] * 14 + [b"HTTP/1.0", b"HTTP/2.0"]),
    body=st.sampled_from([b"", b"Hello", b"5\r\nHello\r\n0\r\n\r\n"]),
    off=st.sampled_from([0] * 12 + [-1, 1, None]),
    behind=st.sampled_from([b"", request(b"second")]),
)
@how(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_both_ways_are_one_whatever_is_sent(
    agree, no_caller, lines, method, path, version, body, off, behind
):
    said = [b"%b %b %b" % (method, path, version), b"Host: localhost", *lines]
    if off is not None:
        said.append(b"Content-Length: %d" % max(len(body) + off, 0))
    agree(b"\r\n".join(said) + b"\r\n\r\n" + body + behind)
