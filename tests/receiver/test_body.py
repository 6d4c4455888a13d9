"""Reading a body from the stream of a WSGI server: all of it or a refusal."""

import io

import pytest

from receiver import body
from receiver.body import read_body
from receiver.models import Refusal
from receiver.refusals import Refused

Reason = Refusal.Reason
CAP = 100


class Stream(io.BytesIO):
    """Gives its bytes in pieces of 7, then ends or fails."""

    def __init__(self, data=b"", error=None):
        super().__init__(data)
        self.error = error

    def read(self, size=-1):
        piece = super().read(min(size, 7))
        if not piece and self.error:
            raise self.error
        return piece


def environ(data=b"", *, length=None, coded=False, ended=True, error=None):
    found = {"wsgi.input": Stream(data, error), "wsgi.input_terminated": ended}
    if length is not None:
        found["CONTENT_LENGTH"] = length
    if coded:
        found["HTTP_TRANSFER_ENCODING"] = "chunked"
    return found


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (environ(b"x" * 50, length="50"), b"x" * 50),
        (environ(b"x" * 100, length="100"), b"x" * 100),
        (environ(b"xyz, and the next request", length="3", ended=False), b"xyz"),
        (environ(b"", length="0"), b""),
        (environ(b"", length=""), b""),
        (environ(b"x" * 50, coded=True), b"x" * 50),
        (environ(b"x" * 100, coded=True), b"x" * 100),
        (environ(b"", coded=True), b""),
        # HTTP/2 knows bodies without a length; the server ends them.
        (environ(b"x" * 50), b"x" * 50),
        (environ(b"left alone", ended=False), b""),
    ],
)
def test_the_whole_body(made, expected):
    assert read_body(made, CAP) == expected


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (environ(b"x" * 49, length="50"), Reason.TRUNCATED),
        (environ(b"x" * 49, length="50", error=OSError("reset")), Reason.TRUNCATED),
        (environ(b"x" * 49, coded=True, error=ValueError("bad chunk")), Reason.TRUNCATED),
        (environ(b"x" * 101, length="101"), Reason.TOO_LARGE),
        (environ(b"x" * 101, coded=True), Reason.TOO_LARGE),
        (environ(b"", length="9" * 5000), Reason.TOO_LARGE),
        (environ(b"x", length="-1"), Reason.TRUNCATED),
        (environ(b"x", length="+1"), Reason.TRUNCATED),
        (environ(b"x", length="1_0"), Reason.TRUNCATED),
        (environ(b"x", length="1, 1"), Reason.TRUNCATED),
        (environ(b"x", length="²"), Reason.TRUNCATED),
        (environ(b"x", length="٣"), Reason.TRUNCATED),
        (environ(b"x", length="1e1"), Reason.TRUNCATED),
        (environ(b"x", coded=True, ended=False), Reason.LENGTH_REQUIRED),
        (environ(b"x", coded=True, ended=False, length="1"), Reason.LENGTH_REQUIRED),
    ],
)
def test_a_body_that_is_not_whole_is_refused(made, reason):
    with pytest.raises(Refused) as caught:
        read_body(made, CAP)
    assert caught.value.reason == reason


def test_too_large_by_its_length_is_not_read():
    made = environ(b"x" * 200, length="200")
    with pytest.raises(Refused):
        read_body(made, CAP)
    assert made["wsgi.input"].tell() == 0


@pytest.mark.parametrize("framing", [{"length": "50"}, {"coded": True}])
def test_a_trickling_body_is_cut_off_at_the_deadline(monkeypatch, framing):
    class Clock:
        now = 0.0

        def monotonic(self):
            self.now += 11.0
            return self.now

    monkeypatch.setattr(body, "time", Clock())
    with pytest.raises(Refused) as caught:
        read_body(environ(b"x" * 50, **framing), CAP)
    assert caught.value.reason == Reason.TRUNCATED


def test_a_silent_client_is_given_the_deadline_on_gunicorns_socket():
    class Socket:
        set = []

        def gettimeout(self):
            return None

        def settimeout(self, seconds):
            self.set.append(seconds)

    made = environ(b"xyz", length="3") | {"gunicorn.socket": Socket()}
    assert read_body(made, CAP) == b"xyz"
    assert Socket.set == [body.DEADLINE, None]
