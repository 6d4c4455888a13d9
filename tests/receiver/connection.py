"""A connection to the worker's protocol with an application of the test's own, in one process."""

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import partial

from uvicorn import Config
from uvicorn.server import ServerState

from config.protocol import Protocol
from config.wire import Limits


@asynccontextmanager
async def connected(application, seconds=0.3):
    """A connection to a server that gives a request so many seconds."""
    config = Config(application, log_config=None, ws="none", lifespan="off", proxy_headers=False)
    config.http = partial(Protocol, Limits(8190, 100, 16384, seconds=seconds))
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: config.http_protocol_class(config=config, server_state=state, app_state={}),
        *("127.0.0.1", 0),
    )
    async with server, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            for connection in list(state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)


async def everything(reader):
    """Read until the server closes."""
    found = b""
    with suppress(ConnectionResetError):  # what was sent after the end
        while piece := await reader.read(65536):
            found += piece
    return found


async def spoken(application, *pieces, end=True):
    """Send pieces one by one, end the own side, and return all that is said."""
    async with connected(application) as (reader, writer):
        said = asyncio.create_task(everything(reader))
        with suppress(OSError):  # a refusal may come before the last byte is taken
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01 if len(pieces) > 1 else 0)  # so that it comes by itself
            if end:
                writer.write_eof()
        return await said


def speak(application, *pieces, end=True):
    """Do so in a loop of its own."""
    return asyncio.run(spoken(application, *pieces, end=end))


def request(body=b"Hello", *lines, method=b"POST", path=b"/receive", length=True):
    """Return a request's bytes."""
    sized = [b"Content-Length: %d" % len(body)] if length else []
    head = [method + b" " + path + b" HTTP/1.1", b"Host: localhost", *sized, *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body
