"""Queues that a command line or a file declares: how their settings are read and applied."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError

from .errors import Refused
from .fields import field_of
from .messages import QueueMessage, queue_message
from .models import Queue
from .names import parse_queue_name, valid_queue_id
from .queues import create_declared, find_live
from .settings_rules import apply_settings, check_settings, masked
from .work import Work

Path = tuple[str, ...]
_NUMBER = re.compile(r"\d+(\.\d+)?")
_STATES = ("RUNNING", "PAUSED", "DISABLED")


class BadSetting(ValueError):
    """A setting that cannot be: `path` leads to it, the message says why."""

    def __init__(self, path: Path, reason: str, line: int = 1) -> None:
        super().__init__(reason)
        self.path, self.line = path, line


@dataclass
class Declared:
    """One queue. `paths` of None declares every setting, else those named; "" leaves the state."""

    name: str
    settings: Any
    paths: Sequence[str] | None = None
    state: str = ""
    bucket_size: int | None = None


def checked_name(name: str, path: Path = ("name",)) -> str:
    """Return a queue's full name; raises BadSetting."""
    parts = parse_queue_name(name)
    if parts is None or not valid_queue_id(parts.id):
        raise BadSetting(path, f"{name!r} is no name of a queue")
    return name


def checked_state(state: object, path: Path = ("state",)) -> str:
    """Return the state's name in capitals; raises BadSetting."""
    name = str(state).upper()
    if name not in _STATES:
        raise BadSetting(path, f"{state!r} is none of {', '.join(_STATES)}")
    return name


def fill(message: Any, values: object, path: Path = ()) -> None:
    """Write settings, spelled as in Google's JSON or its protos, into a message.

    Durations may be plain seconds. Raises BadSetting.
    """
    if not isinstance(values, Mapping):
        raise BadSetting(path, "must be settings with a name each")
    seen: set[str] = set()
    for key, value in values.items():
        here = (*path, str(key))
        field = field_of(message.DESCRIPTOR, str(key))
        if field is None:
            raise BadSetting(here, "is no setting of a queue")
        if field.name in seen:
            raise BadSetting(here, "is there twice, in two spellings")
        seen.add(field.name)
        kind = field.message_type
        if kind and not field.is_repeated and kind.file.package.startswith("google.cloud"):
            getattr(message, field.name).SetInParent()
            fill(getattr(message, field.name), value, here)
        else:
            _fill_leaf(message, field, value, here)


def _fill_leaf(message: Any, field: Any, value: object, path: Path) -> None:
    is_duration = field.message_type and field.message_type.name == "Duration"
    if is_duration and _NUMBER.fullmatch(str(value)):
        value = f"{value}s"
    try:
        message.MergeFrom(ParseDict({field.name: value}, type(message)()))
    except ParseError:
        hint = ", write seconds as 5s" if is_duration else ""
        raise BadSetting(path, f"cannot be {value!r}{hint}") from None


def check(settings: Any, path: Path) -> None:
    """Raise BadSetting for settings out of range, in the words of the API."""
    try:
        check_settings(settings)
    except Refused as refused:
        raise BadSetting(path, refused.message.rstrip(".")) from None


def declare(work: Work, *, queues: Sequence[Declared]) -> None:
    """Create the queues that are missing, whether or not their names rest, and set the others.

    Queues that are not named are left alone. Raises Refused for settings that cannot be together.
    """
    for each in queues:
        queue = find_live(each.name) or create_declared(work, each.name)
        settings = each.settings
        if each.paths is not None:
            settings = masked(queue_message(queue), each.settings, list(each.paths))
            check_settings(settings)
        _apply(work, queue, each, settings)


def _apply(work: Work, queue: Queue, declared: Declared, settings: Any) -> None:
    apply_settings(queue, settings)
    if declared.paths is None or declared.bucket_size is not None:
        queue.bucket_size = declared.bucket_size
    if declared.state:
        queue.state = Queue.State(declared.state)
    queue.save()
    work.altered.add(queue.pk)


def from_option(option: str) -> Declared:
    """Read `NAME,max_attempts=3,state=PAUSED,http_target.uri_override.host=h`; raises BadSetting.

    The settings of rate_limits and retry_config need no more than their last name.
    """
    name, *pairs = (part.strip() for part in option.split(","))
    declared = Declared(checked_name(name), QueueMessage(), paths=[])
    paths = []
    for pair in pairs:
        key, sign, value = (part.strip() for part in pair.partition("="))
        if not sign:
            raise BadSetting((pair,), "is not of the form setting=value")
        if key == "state":
            declared.state = checked_state(value, (key,))
            continue
        path = _full_path(key)
        fill(declared.settings, _nested(path, value))
        paths.append(".".join(path))
    declared.paths = paths
    return declared


def _full_path(key: str) -> list[str]:
    for group in ("rate_limits", "retry_config"):
        if field := field_of(getattr(QueueMessage(), group).DESCRIPTOR, key):
            return [group, field.name]
    message: Any = QueueMessage()
    path: list[str] = []
    for step in key.split("."):
        field = field_of(message.DESCRIPTOR, step) if message is not None else None
        if field is None or field.is_repeated:
            raise BadSetting((key,), "is no setting of a queue")
        path.append(field.name)
        message = getattr(message, field.name) if field.message_type else None
    return path


def _nested(path: Sequence[str], value: object) -> Mapping[str, object]:
    first, *others = path
    return {first: _nested(others, value) if others else value}
