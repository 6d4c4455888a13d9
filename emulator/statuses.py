"""Refusals as google.rpc.Status: what gRPC's trailers, REST's error body and operations carry."""

from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2

from .errors import Refused
from .refusals import BadPayload


def status(refused: Refused) -> Any:
    """Return the refusal as a google.rpc.Status with its details."""
    return status_pb2.Status(
        code=refused.code.value, message=refused.message, details=details(refused)
    )


def details(refused: Refused) -> list[AnyMessage]:
    """Return what explains a refusal beyond its text: a Help, the fields at fault, or nothing."""
    if isinstance(refused, BadPayload):
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=field, description=text)
            for field, text in refused.violations
        ]
        return [packed(error_details_pb2.BadRequest(field_violations=violations))]
    if refused.help_link is None:
        return []
    link = error_details_pb2.Help.Link(
        description=refused.help_link.description, url=refused.help_link.url
    )
    return [packed(error_details_pb2.Help(links=[link]))]


def packed(message: Any) -> AnyMessage:
    """Return a message inside an Any, under Google's type URL."""
    parcel = AnyMessage()
    parcel.Pack(message)
    return parcel
