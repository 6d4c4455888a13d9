"""A gRPC server that does nothing: `python -m bench.empty PORT`, on the wire that is ours.

CreateTask is answered with bytes made beforehand; nothing is read, checked or stored. What it
serves is the most that any emulator on this wire could, on this machine.
"""

import asyncio
import socket
import sys
from functools import partial
from pathlib import Path

from google.cloud import tasks_v2

from bench.servers import Contender
from bench.wire import BODY, DEFAULT_QUEUE
from emulator.http2 import Call, Server

ROOT = Path(__file__).resolve().parent.parent
_TASK = tasks_v2.Task(
    name=f"{DEFAULT_QUEUE}/tasks/12345678901234567890",
    http_request=tasks_v2.HttpRequest(url="http://127.0.0.1:1/", body=BODY),
)
_ANSWERS = {
    "CreateTask": tasks_v2.Task.serialize(_TASK),
    "ListQueues": b"",
    "PauseQueue": tasks_v2.Queue.serialize(tasks_v2.Queue(name=DEFAULT_QUEUE)),
}
CONTENDER = Contender(
    "empty", lambda port, http: [sys.executable, "-m", "bench.empty", str(port)], ROOT
)


def _answered(answer: bytes, call: Call, message: bytes) -> None:
    call.answer(answer)


async def serve(port: int) -> None:
    """Answer until the process ends."""
    service = "/google.cloud.tasks.v2.CloudTasks"
    server = Server(
        {f"{service}/{name}": partial(_answered, each) for name, each in _ANSWERS.items()}
    )
    await server.start(socket.create_server(("127.0.0.1", port)))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
