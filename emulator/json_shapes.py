"""What JSON may not hold for a message, in the words Google has for it.

Unknown names, and values of another shape than their field: protobuf's own reader is laxer in some
places and tells of the others in words that are nobody's.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from .fields import field_of

RECEIVED = "Invalid JSON payload received."
Violation = tuple[str, str]
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
# What has a form of its own in JSON, and how Google says that a text has not got it.
_WELL_KNOWN: dict[str, tuple[Any, str]] = {
    "google.protobuf.Timestamp": (
        Timestamp,
        "Illegal timestamp format; timestamps must end with 'Z' or have a valid timezone offset.",
    ),
    "google.protobuf.Duration": (
        Duration,
        "Illegal duration format; duration must end with 's'",
    ),
}
_TEXTS = {FieldDescriptor.TYPE_STRING: "STRING", FieldDescriptor.TYPE_BYTES: "BYTES"}
_NUMBERS = {
    FieldDescriptor.TYPE_INT32: "INT32",
    FieldDescriptor.TYPE_INT64: "INT64",
    FieldDescriptor.TYPE_DOUBLE: "DOUBLE",
    FieldDescriptor.TYPE_FLOAT: "FLOAT",
}


def mistakes(tree: dict[str, Any], descriptor: Descriptor, path: str = "") -> Iterator[Violation]:
    """Yield what cannot be meant: unknown names, and values of another shape than their field."""
    at = f" at '{path}'" if path else ""
    chosen: set[str] = set()
    for name, value in tree.items():
        field = field_of(descriptor, name)
        if field is None:
            yield path, f'{RECEIVED} Unknown name "{name}"{at}: Cannot find field.'
        elif value is not None:
            oneof = field.containing_oneof.name if field.containing_oneof else ""
            if oneof in chosen:
                said = f"oneof field '{oneof}' is already set. Cannot set '{name}'"
                yield path, f"Invalid value{at} (oneof), {said}"
            chosen.update([oneof] if oneof else [])
            yield from _of_field(field, value, f"{path}.{field.name}" if path else field.name)


def _of_field(field: FieldDescriptor, value: Any, path: str) -> Iterator[Violation]:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        wanted, entries = kind.fields_by_name["value"], value
        if not isinstance(entries, dict):
            yield _wrong(path, "map", entries)
            return
        for key, each in entries.items():
            yield from _of_value(wanted, each, f"{path}[{key}]")
    elif field.is_repeated:
        if not isinstance(value, list):
            yield from _of_value(field, value, path)
            return
        for index, each in enumerate(value):
            yield from _of_value(field, each, f"{path}[{index}]")
    else:
        yield from _of_value(field, value, path)


def _of_value(field: FieldDescriptor, value: Any, path: str) -> Iterator[Violation]:
    if field.message_type is not None:
        yield from _of_message(field, field.message_type, value, path)
    elif kind := _missed(field, value):
        yield _wrong(path, kind, value)
    elif field.type == field.TYPE_BYTES and not _is_base64(value):
        shown = json.dumps(value[:80])
        yield path, f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed for {shown}"


def _of_message(
    field: FieldDescriptor, kind: Descriptor, value: Any, path: str
) -> Iterator[Violation]:
    if kind.full_name in _WELL_KNOWN:
        yield from _of_well_known(field, kind.full_name, value, path)
    elif kind.full_name.startswith("google.protobuf."):
        return
    elif isinstance(value, dict):
        yield from mistakes(value, kind, path)
    else:
        yield _wrong(path, f"type.googleapis.com/{kind.full_name}", value)


def _missed(field: FieldDescriptor, value: Any) -> str:
    """Return what a value should have been, "" where it is that."""
    if field.enum_type is not None:
        right, kind = _is_enum(field.enum_type, value), field.enum_type.full_name
        return "" if right else f"type.googleapis.com/{kind}"
    if field.type in _NUMBERS:
        return "" if _is_number(field, value) else f"TYPE_{_NUMBERS[field.type]}"
    if field.type in _TEXTS and not isinstance(value, str):
        return f"TYPE_{_TEXTS[field.type]}"
    return ""


def _of_well_known(field: FieldDescriptor, kind: str, value: Any, path: str) -> Iterator[Violation]:
    message, said = _WELL_KNOWN[kind]
    try:
        message().FromJsonString(value)
    except (ValueError, TypeError, AttributeError, OverflowError):
        where = f"Invalid value at '{path}' (type.googleapis.com/{kind})"
        yield path, f"{where}, Field '{field.json_name}', {said}"


def _is_enum(kind: EnumDescriptor, value: Any) -> bool:
    if isinstance(value, str) and value in kind.values_by_name:
        return True
    return not isinstance(value, bool) and _whole(value) is not None


def _is_number(field: FieldDescriptor, value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if field.cpp_type in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
        return _real(value) is not None
    number = _whole(value)
    bits = 63 if "64" in _NUMBERS[field.type] else 31
    return number is not None and -(2**bits) <= number < 2**bits


def _whole(value: Any) -> int | None:
    number = _real(value)
    if number is None or not number.is_integer():  # an infinity is not, and raises nothing
        return None
    return int(value) if isinstance(value, int) else int(number)


def _real(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _is_base64(text: str) -> bool:
    return _BASE64.fullmatch(text) is not None and len(text.rstrip("=")) % 4 != 1


def _wrong(path: str, kind: str, value: Any) -> Violation:
    return path, f"Invalid value at '{path}' ({kind}), {json.dumps(value)[:80]}"
