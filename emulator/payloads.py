"""JSON requests to messages, as strictly as Google reads them and with its words for mistakes.

protobuf's own reader drops what is no base64 without a word and takes a list for a message; a task
would then carry another body than the one that was sent. So shapes are checked before it reads.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from .fields import field_of
from .json_shapes import RECEIVED, Violation, mistakes
from .refusals import BadPayload

# Parameters of every Google API; they are about the call, not the request.
_OF_THE_CALL = {
    "$.xgafv", "$alt", "$apiVersion", "$callback", "$fields", "$prettyPrint", "$trace",
    "access_token", "alt", "callback", "fields", "key", "oauth_token", "prettyPrint", "quotaUser",
    "trace", "uploadType", "upload_protocol", "userIp",
}  # fmt: skip


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
    violations = list(mistakes(tree, message.DESCRIPTOR))
    if violations:
        raise BadPayload(violations)
    try:
        json_format.ParseDict(tree, message)
    except (json_format.ParseError, OverflowError, RecursionError) as error:
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
        raise BadPayload([("", f"{RECEIVED} {error or 'Too deep.'}")]) from None
    if not isinstance(value, dict):
        raise BadPayload([("", f'{RECEIVED} Unknown name "": Root element must be a message.')])
    return value


def _bind(tree: dict[str, Any], descriptor: Descriptor, query: Iterable[Violation]) -> None:
    """Put query parameters into the tree: `a.b=c` is a field of a field."""
    for name, value in query:
        if name not in _OF_THE_CALL and not _place(tree, descriptor, name.split("."), value):
            raise BadPayload([(
                "",
                f'{RECEIVED} Unknown name "{name}": Cannot bind query parameter. Field '
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


def _unreadable(error: Exception) -> Violation:
    return "", f"{RECEIVED} {str(error).partition(chr(10))[0]}"


def _set(message: Any, name: str, value: str) -> None:
    *steps, last = name.split(".")
    for step in steps:
        message = getattr(message, step)
    setattr(message, last, value)
