"""grpc.health.v1.Health: what probes and client libraries ask a gRPC server.

Its two messages have one field each, as Google's well-known wrappers do, and so the same bytes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

import grpc
from google.protobuf.wrappers_pb2 import Int32Value, StringValue

SERVICE = "grpc.health.v1.Health"
SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3
WATCH_SECONDS = 1.0


def health_handlers(services: Collection[str], well: Callable[[], bool]) -> Any:
    """Return the service, for a server that serves `services` and is as well as `well` says."""

    def status(service: str) -> int:
        if service and service not in services:
            return SERVICE_UNKNOWN
        return SERVING if well() else NOT_SERVING

    async def check(request: Any, context: Any) -> Any:
        now = status(request.value)
        if now == SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no such service here.")
        return Int32Value(value=now)

    async def watch(request: Any, context: Any) -> AsyncIterator[Any]:
        before = None
        while True:
            now = status(request.value)
            if now != before:
                yield Int32Value(value=now)
            before = now
            await asyncio.sleep(WATCH_SECONDS)

    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            "Check": grpc.unary_unary_rpc_method_handler(check, **_WIRE),
            "Watch": grpc.unary_stream_rpc_method_handler(watch, **_WIRE),
        },
    )


_WIRE: Any = {
    "request_deserializer": StringValue.FromString,
    "response_serializer": Int32Value.SerializeToString,
}
