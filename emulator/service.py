"""The gRPC face of the method table."""

import logging
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from . import errors
from .committer import Committer
from .errors import Refused
from .methods import Method
from .routing_header import HEADER, check_routing
from .statuses import status
from .together import NOT_SERVED, unserved

logger = logging.getLogger("emulator")

_STATUS = {status.value[0]: status for status in grpc.StatusCode}
# One connection holds many calls; a task may be 1 MiB, a page of them 4.
OPTIONS = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 8 * 1024 * 1024)]


def handlers(
    service: str, table: list[Method], committer: Committer, strict_routing: bool = False
) -> grpc.GenericRpcHandler:
    """Return one service; an RPC that is not in the table is UNIMPLEMENTED."""
    return grpc.method_handlers_generic_handler(
        service, {method.name: _handler(method, committer, strict_routing) for method in table}
    )


async def perform(method: Method, request: Any, committer: Committer) -> Any:
    """Return a method's response once it is committed; whatever fails is raised as Refused."""
    try:
        operation = method.group(request) if method.group else partial(_call, method, request)
        return await committer.run(operation)
    except Refused:
        raise
    except NOT_SERVED as error:
        logger.warning("%s: the database failed: %s", method.name, error)
        raise unserved(error) from None
    except Exception:
        logger.exception("%s failed", method.name)
        raise errors.internal() from None


def _handler(method: Method, committer: Committer, strict_routing: bool) -> Any:
    async def answer(request: Any, context: Any) -> Any:
        try:
            if request is None:
                raise errors.invalid("Request contains an invalid argument.")
            if strict_routing:
                check_routing(request, dict(context.invocation_metadata()).get(HEADER))
            return await perform(method, request, committer)
        except Refused as refused:
            await _abort(context, refused)

    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=partial(_parsed, method.request),
        response_serializer=method.response.SerializeToString,
    )


def _parsed(message: Any, raw: bytes) -> Any:
    """Return a request, or None for bytes that are none; raised here it would be an UNKNOWN."""
    try:
        return message.FromString(raw)
    except DecodeError:
        return None


def _call(method: Method, request: Any, work: Any) -> Any:
    return method.operation(work, request)


async def _abort(context: Any, refused: Refused) -> None:
    message = status(refused)
    trailers = (("grpc-status-details-bin", message.SerializeToString()),)
    await context.abort(
        _STATUS[refused.code.value], refused.message, trailers if message.details else ()
    )
