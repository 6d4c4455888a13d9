"""The x-goog-request-params header that Google insists on, checked where that was asked for."""

from typing import Any
from urllib.parse import parse_qs

from .errors import Refused, invalid

HEADER = "x-goog-request-params"
_PARENTS = ("parent", "name", "resource")
_INNER = ("queue", "cmek_config")


def wanted(request: Any) -> tuple[str, str]:
    """Return the parameter that a request message has to be routed by, and its value."""
    fields = request.DESCRIPTOR.fields_by_name
    for name in _PARENTS:
        if name in fields:
            return name, getattr(request, name)
    inner = next(name for name in _INNER if name in fields)
    return f"{inner}.name", getattr(request, inner).name


def check_routing(request: Any, header: str | None) -> None:
    """Raise Refused, in recorded words, for a header that is missing or names something else."""
    name, value = wanted(request)
    given = parse_qs(header or "", keep_blank_values=True).get(name)
    if given is None:
        raise _missing(f"{name}={value}")
    if given != [value]:
        raise invalid("Invalid resource field value in the request.")


def _missing(parameter: str) -> Refused:
    return invalid(
        f'"{HEADER}" header is either missing or misformatted. "{HEADER}" must contain '
        f'"{parameter}"'
    )
