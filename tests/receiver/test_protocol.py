"""The worker's connections beyond HTTP: patience, and an end without an answer."""

import asyncio

import pytest

from receiver.body import receive_body
from receiver.front import drop, is_cut_off
from receiver.refusals import Reason, Refused
from tests.receiver.connection import connected, everything

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"


async def application(scope, receive, send):
    """Say what became of the body."""
    if scope["path"] == "/drop":
        return await drop(scope)
    try:
        if scope["path"] == "/unread":
            raise Refused(Reason.TOO_LARGE)
        await receive_body(receive, dict(scope["headers"])[b"content-length"].decode(), 10_000)
        said = b"whole"
    except Refused:
        said = b"cut off" if is_cut_off(scope) else b"left"
    headers = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


async def spoken(first, *, trickle=b""):
    """Send bytes, then others one by one until the server closes; returns what it said."""
    async with connected(application, seconds=0.2) as (reader, writer):
        writer.write(first)
        answer = asyncio.create_task(everything(reader))
        while trickle and not answer.done():
            writer.write(trickle)
            await asyncio.wait([answer], timeout=0.02)
        return await answer


@pytest.mark.parametrize("trickle", [b"", b"x"])
@pytest.mark.parametrize(
    ("first", "said"),
    [
        (HEAD, b"cut off"),
        (HEAD + b"some", b"cut off"),
        (HEAD[:-2] + b"X-Endless: ", b"The request took too long to come."),
        (b"POS", b"The request took too long to come."),
    ],
)
def test_a_client_that_is_silent_or_trickles_is_cut_off(first, said, trickle):
    if first == b"POS" and trickle:
        first, trickle = b"POST /", b"p"
    assert said in asyncio.run(spoken(first, trickle=trickle))


def test_a_connection_can_be_dropped_without_an_answer(caplog):
    request = b"POST /drop HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert asyncio.run(spoken(request)) == b""
    assert caplog.messages == []


def test_the_clock_stops_with_the_request_and_not_with_its_answer():
    async def main():
        async with connected(application, seconds=0.2) as (reader, writer):
            writer.write(b"POST /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n")
            assert (await reader.readuntil(b"left")).startswith(b"HTTP/1.1 200")
            writer.write(b"body")
            with pytest.raises(TimeoutError):  # nothing more is said, nor is it closed
                await asyncio.wait_for(reader.read(1), 0.5)
            writer.write(HEAD + b"x" * 1000)
            assert (await reader.readuntil(b"whole")).startswith(b"HTTP/1.1 200")

    asyncio.run(main())
