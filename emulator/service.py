"""The gRPC face of the method table."""

import logging
from functools import partial
from typing import Any

from google.protobuf.message import DecodeError

from . import errors
from .committer import Committer
from .errors import Refused
from .http2 import Call, Handler
from .methods import Method
from .routing_header import HEADER, check_routing
from .statuses import status
from .together import NOT_SERVED, Outcome, unserved
from .work import Operation

logger = logging.getLogger("emulator")


def handlers(
    service: str, table: list[Method], committer: Committer, strict_routing: bool = False
) -> dict[str, Handler]:
    """Return one service's handlers by their paths."""
    return {
        f"/{service}/{method.name}": partial(_run, method, committer, strict_routing)
        for method in table
    }


async def perform(method: Method, request: Any, committer: Committer) -> Any:
    """Return a method's response once it is committed; whatever fails is raised as Refused."""
    try:
        return await committer.run(_operation(method, request))
    except Exception as error:
        raise _refusal(method, error) from None


def _run(
    method: Method, committer: Committer, strict_routing: bool, call: Call, message: bytes
) -> None:
    """Run one call; it is answered when it is committed."""
    try:
        request = _parsed(method, message)
        if strict_routing:
            check_routing(request, call.metadata(HEADER))
        operation = _operation(method, request)
    except Exception as error:
        return _refuse(call, _refusal(method, error))
    committer.submit(operation, partial(_answer, method, call))


def _answer(method: Method, call: Call, outcome: Outcome) -> None:
    if outcome.error is not None:
        _refuse(call, _refusal(method, outcome.error))
    else:
        call.answer(outcome.result.SerializeToString())


def _parsed(method: Method, message: bytes) -> Any:
    try:
        return method.request.FromString(message)
    except DecodeError:
        raise errors.invalid("Request contains an invalid argument.") from None


def _operation(method: Method, request: Any) -> Operation:
    return method.group(request) if method.group else partial(_call, method, request)


def _call(method: Method, request: Any, work: Any) -> Any:
    return method.operation(work, request)


def _refusal(method: Method, error: BaseException) -> Refused:
    """Return what a call is answered that failed like this; what is no refusal is logged."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, NOT_SERVED):
        logger.warning("%s: the database failed: %s", method.name, error)
        return unserved(error)
    logger.error("%s failed", method.name, exc_info=error)
    return errors.internal()


def _refuse(call: Call, refused: Refused) -> None:
    message = status(refused)
    details = message.SerializeToString() if message.details else b""
    call.refuse(refused.code.value, refused.message, details)
