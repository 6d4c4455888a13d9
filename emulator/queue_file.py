"""The file of queues: our YAML, or Google's queue.yaml, told apart by the key at the top."""

import logging
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Any

from . import queue_yaml
from .declared import (
    BadSetting,
    Declared,
    Path,
    check,
    checked_name,
    checked_state,
    fill,
)
from .messages import QueueMessage
from .ports import StartFailed

logger = logging.getLogger("emulator")

Lines = dict[Path, int]
MOST_LINES = 100_000  # aliases of aliases are few bytes and without end
_WORDS = re.compile(r"\w+\.(\w+)")
_BESIDE_SETTINGS = ("name", "state")


class BadQueueFile(StartFailed):
    """The file cannot be used; the message is one sentence with the line and the key."""


class QueueFile:
    """A file of queues at a path. `complete` makes a full name of a short id."""

    def __init__(self, path: str, complete: Callable[[str], str]) -> None:
        self.path = path
        self._complete = complete
        self._stamp: object = None

    def read(self) -> list[Declared]:
        """Return what the file declares; raises BadQueueFile."""
        self._stamp = self._current_stamp()
        try:
            text = FilePath(self.path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
            raise BadQueueFile(f"{self.path} cannot be read: {reason}.") from None
        return parse(text, self.path, self._complete)

    def changed(self) -> bool:
        """Say whether the file is another than at the last `read`; one that is gone is not."""
        return self._current_stamp() not in (None, self._stamp)

    def forget(self) -> None:
        """Make `changed` true, for what was read could not be applied."""
        self._stamp = None

    def _current_stamp(self) -> object:
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def parse(text: str, path: str, complete: Callable[[str], str]) -> list[Declared]:
    """Return the queues that the text of a file declares; raises BadQueueFile."""
    values, lines = load(text, path)
    try:
        return _queues(values, complete)
    except BadSetting as bad:
        line = _line(lines, bad)
        key = ".".join(part for part in bad.path[1:] if not part.isdigit())
        named = f"{key}: " if key else ""
        raise BadQueueFile(f"{path}, line {line}: {named}{bad}.") from None


def _line(lines: Lines, bad: BadSetting) -> int:
    """Return the line of a bad setting, or of the nearest thing around it."""
    if match := _WORDS.match(str(bad)):  # Google's words name the setting, in camelCase
        for path, line in lines.items():
            if path[: len(bad.path)] == bad.path and _camel(path[-1]) == match[1]:
                return line
    path = bad.path
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _queues(values: object, complete: Callable[[str], str]) -> list[Declared]:
    if not isinstance(values, Mapping) or ("queues" in values) == ("queue" in values):
        raise BadSetting((), "no list under `queues:`, nor a queue.yaml's under `queue:`")
    key = "queues" if "queues" in values else "queue"
    read = _queue if key == "queues" else queue_yaml.queue
    for other in set(values) - {key} - (queue_yaml.BESIDE_QUEUES if key == "queue" else set()):
        raise BadSetting((str(other),), f"{other} does not belong beside {key}")
    entries = values[key] or []
    if not isinstance(entries, list):
        raise BadSetting((key,), "must be a list of queues, each with a name")
    declared = [read(each, (key, str(i)), complete) for i, each in enumerate(entries)]
    seen: set[str] = set()
    for number, each in enumerate(declared):
        if each.name in seen:
            raise BadSetting((key, str(number), "name"), f"{each.name} is there twice")
        seen.add(each.name)
    return declared


def _queue(entry: object, path: Path, complete: Callable[[str], str]) -> Declared:
    """Read one queue of our own YAML: a name alone, or a mapping of a name and settings."""
    values = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(values, Mapping) or not isinstance(values.get("name"), str):
        raise BadSetting(path, "needs a name")
    name = checked_name(complete(values["name"]), (*path, "name"))
    declared = Declared(name, QueueMessage())
    if values.get("state") is not None:
        declared.state = checked_state(values["state"], (*path, "state"))
    settings = {key: value for key, value in values.items() if key not in _BESIDE_SETTINGS}
    fill(declared.settings, settings, path)
    check(declared.settings, path)
    return declared


def load(text: str, path: str) -> tuple[Any, Lines]:
    """Return the values of a YAML text and the line of each key; raises BadQueueFile."""
    import yaml  # here: most starts need no YAML

    try:
        return _read(yaml.SafeLoader(text))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        reason = f"no YAML: {error.problem}"
    except BadSetting as bad:
        line, reason = bad.line, str(bad)
    except RecursionError:
        line, reason = 1, "it holds itself, or is nested too deeply"
    except (yaml.YAMLError, ValueError) as error:
        line, reason = 1, f"no YAML: {str(error).splitlines()[0]}"
    raise BadQueueFile(f"{path}, line {line}: {reason}.")


def _read(loader: Any) -> tuple[Any, Lines]:
    lines: Lines = {}
    try:
        root = loader.get_single_node()
        if root is None:
            return None, lines
        _note_lines(root, (), lines)
        return loader.construct_document(root), lines
    finally:
        loader.dispose()


def _note_lines(node: Any, path: Path, lines: Lines) -> None:
    if len(lines) > MOST_LINES:
        raise BadSetting(path, f"more than {MOST_LINES} keys, counting those behind aliases")
    if node.id == "mapping":
        for key, value in node.value:
            here, line = (*path, str(key.value)), key.start_mark.line + 1
            if here in lines:
                raise BadSetting(here, f"{key.value} is there twice", line)
            lines[here] = line
            _note_lines(value, here, lines)
    elif node.id == "sequence":
        for number, value in enumerate(node.value):
            here = (*path, str(number))
            lines[here] = value.start_mark.line + 1
            _note_lines(value, here, lines)
