"""JSON requests to messages, as strictly as Google reads them and with its words for mistakes.

protobuf's own reader drops what is no base64 without a word and takes a list for a message; a task
would then carry another body than the one that was sent. So shapes are checked before it reads.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from .fields import field_of
from .refusals import BadPayload

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
_RECEIVED = "Invalid JSON payload received."
# Parameters of every Google API; they are about the call, not the request.
_OF_THE_CALL = {
    "$.xgafv", "$alt", "$apiVersion", "$callback", "$fields", "$prettyPrint", "$trace",
    "access_token", "alt", "callback", "fields", "key", "oauth_token", "prettyPrint", "quotaUser",
    "trace", "uploadType", "upload_protocol", "userIp",
}  # fmt: skip
Violation = tuple[str, str]


def read(
    message: Any, body: str, content: bytes, query: Iterable[Violation], path: dict[str, str]
) -> Any:
    """Fill a request from its body, its query and its path, each going before the former.

    `body` names the field that the content is, "*" for the whole. Raises BadPayload.
    """
    tree: dict[str, Any] = {}
    if body:
        value = _json(content)
        tree = value if body == "*" else {body: value}
    _bind(tree, message.DESCRIPTOR, query)
    violations = list(_mistakes(tree, message.DESCRIPTOR, ""))
    if violations:
        raise BadPayload(violations)
    try:
        json_format.ParseDict(tree, message)
    except (json_format.ParseError, RecursionError) as error:
        raise BadPayload([_unreadable(error)]) from None
    for name, text in path.items():
        _set(message, name, text)
    return message


def _json(content: bytes) -> dict[str, Any]:
    if not content.strip():
        return {}
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadPayload([("", f"{_RECEIVED} {error or 'Too deep.'}")]) from None
    if not isinstance(value, dict):
        raise BadPayload([("", f'{_RECEIVED} Unknown name "": Root element must be a message.')])
    return value


def _bind(tree: dict[str, Any], descriptor: Descriptor, query: Iterable[Violation]) -> None:
    """Put query parameters into the tree: `a.b=c` is a field of a field."""
    for name, value in query:
        if name not in _OF_THE_CALL and not _place(tree, descriptor, name.split("."), value):
            raise BadPayload([(
                "",
                f'{_RECEIVED} Unknown name "{name}": Cannot bind query parameter. Field '
                f"'{name}' could not be found in request message.",
            )])  # fmt: skip


def _place(tree: dict[str, Any], descriptor: Descriptor, steps: list[str], value: str) -> bool:
    """Put one value where its steps lead; says whether they lead anywhere."""
    field = field_of(descriptor, steps[0])
    if field is None:
        return False
    key = field.name if field.name in tree else field.json_name
    if len(steps) == 1:
        tree[key] = _from_text(field, value, tree.get(key))
        return True
    if field.message_type is None or field.is_repeated:
        return False
    if tree.get(key) is None:
        tree[key] = {}
    inner = tree[key]
    return isinstance(inner, dict) and _place(inner, field.message_type, steps[1:], value)


def _from_text(field: FieldDescriptor, value: str, before: Any) -> Any:
    if field.is_repeated:
        return [*before, value] if isinstance(before, list) else [value]
    if field.message_type and field.message_type.full_name == "google.protobuf.FieldMask":
        # Google takes both spellings, protobuf's reader one.
        return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), value)
    if field.type == field.TYPE_BOOL and value in ("true", "false"):
        return value == "true"
    return value


def _mistakes(tree: dict[str, Any], descriptor: Descriptor, path: str) -> Iterator[Violation]:
    """Yield what cannot be meant: unknown names, and values of another shape than their field."""
    at = f" at '{path}'" if path else ""
    chosen: set[str] = set()
    for name, value in tree.items():
        field = field_of(descriptor, name)
        if field is None:
            yield path, f'{_RECEIVED} Unknown name "{name}"{at}: Cannot find field.'
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
    kind = field.message_type
    if kind is not None:
        if kind.full_name.startswith("google.protobuf."):
            return
        if isinstance(value, dict):
            yield from _mistakes(value, kind, path)
        else:
            yield _wrong(path, f"type.googleapis.com/{kind.full_name}", value)
    elif field.type in (field.TYPE_STRING, field.TYPE_BYTES):
        name = "TYPE_STRING" if field.type == field.TYPE_STRING else "TYPE_BYTES"
        if not isinstance(value, str):
            yield _wrong(path, name, value)
        elif name == "TYPE_BYTES" and not _is_base64(value):
            shown = json.dumps(value[:80])
            yield (
                path,
                f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed for {shown}",
            )


def _is_base64(text: str) -> bool:
    return _BASE64.fullmatch(text) is not None and len(text.rstrip("=")) % 4 != 1


def _wrong(path: str, kind: str, value: Any) -> Violation:
    return path, f"Invalid value at '{path}' ({kind}), {json.dumps(value)[:80]}"


def _unreadable(error: Exception) -> Violation:
    return "", f"{_RECEIVED} {str(error).partition(chr(10))[0]}"


def _set(message: Any, name: str, value: str) -> None:
    *steps, last = name.split(".")
    for step in steps:
        message = getattr(message, step)
    setattr(message, last, value)
