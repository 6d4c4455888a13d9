"""The gRPC face of the method table."""

import logging
from functools import partial
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2

from . import errors
from .committer import NOT_SERVED, Committer, is_locked
from .errors import Refused
from .methods import SERVICE, Method
from .routing_header import HEADER, check_routing

logger = logging.getLogger("emulator")

_STATUS = {status.value[0]: status for status in grpc.StatusCode}
# One connection holds many calls; a task may be 1 MiB, a page of them 4.
OPTIONS = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 8 * 1024 * 1024)]


def handlers(
    table: list[Method], committer: Committer, strict_routing: bool = False
) -> grpc.GenericRpcHandler:
    """Return the service; an RPC that is not in the table is UNIMPLEMENTED."""
    return grpc.method_handlers_generic_handler(
        SERVICE, {method.name: _handler(method, committer, strict_routing) for method in table}
    )


def _handler(method: Method, committer: Committer, strict_routing: bool) -> Any:
    async def answer(request: Any, context: Any) -> Any:
        try:
            if strict_routing:
                check_routing(request, dict(context.invocation_metadata()).get(HEADER))
            return await committer.run(partial(_call, method, request))
        except Refused as refused:
            await _abort(context, refused)
        except NOT_SERVED as error:
            logger.warning("%s: the database failed: %s", method.name, error)
            busy = is_locked(error)
            await _abort(context, errors.store_busy() if busy else errors.store_unavailable())
        except Exception:
            logger.exception("%s failed", method.name)
            await _abort(context, errors.internal())

    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=method.request.FromString,
        response_serializer=method.response.SerializeToString,
    )


def _call(method: Method, request: Any, work: Any) -> Any:
    return method.operation(work, request)


async def _abort(context: Any, refused: Refused) -> None:
    details = status_details(refused)
    trailers = (("grpc-status-details-bin", details),) if details else ()
    await context.abort(_STATUS[refused.code.value], refused.message, trailers)


def status_details(refused: Refused) -> bytes | None:
    """Return the serialized google.rpc.Status that carries a refusal's details, if it has any."""
    if refused.help_link is None:
        return None
    link = error_details_pb2.Help.Link(
        description=refused.help_link.description, url=refused.help_link.url
    )
    detail = AnyMessage()
    detail.Pack(error_details_pb2.Help(links=[link]))
    status = status_pb2.Status(code=refused.code.value, message=refused.message, details=[detail])
    return status.SerializeToString()
