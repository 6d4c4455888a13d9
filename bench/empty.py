"""A gRPC server that does nothing: `python -m bench.empty PORT`, on the same library as ours.

CreateTask is answered with bytes made beforehand; nothing is read, checked or stored. What it
serves is the most that any emulator on this library could, on this machine.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.cloud import tasks_v2

from bench.servers import Contender
from bench.wire import BODY, DEFAULT_QUEUE

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


def _handler(answer: bytes) -> Any:
    async def handle(request: bytes, context: Any) -> bytes:
        return answer

    return grpc.unary_unary_rpc_method_handler(handle)


async def serve(port: int) -> None:
    """Answer until the process ends."""
    server = grpc.aio.server()
    handlers = {method: _handler(answer) for method, answer in _ANSWERS.items()}
    service = grpc.method_handlers_generic_handler("google.cloud.tasks.v2.CloudTasks", handlers)
    server.add_generic_rpc_handlers([service])
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
