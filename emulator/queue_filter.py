"""ListQueues' filter: the part of Google's Logging filter syntax that fields of a queue need.

`state: PAUSED`, `rate_limits.max_dispatches_per_second >= 5 AND NOT name: "mail"`: comparisons
joined by AND (or nothing), OR, NOT and parentheses. OR binds closer than AND, as Logging has it.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from . import errors
from .fields import field_of
from .messages import QueueMessage, instant, span

LONGEST = 20_000  # as Google's Logging has it, whose language this is
Filter = Callable[[Any], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<sign><=|>=|!=|=|<|>|:)"""
    r"""|(?P<bracket>[()])|(?P<word>[^\s"'()<>=!:]+))"""
)
_SPAN = re.compile(r"(-?\d+(?:\.\d+)?)s")
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class Token(NamedTuple):
    """One piece of a filter: its kind (quoted, sign, bracket, word) and its text."""

    kind: str
    text: str


def parse_filter(text: str) -> Filter:
    """Return the test that a Queue message has to pass; raises Refused with a reason."""
    if len(text) > LONGEST:
        raise errors.filter_invalid(f"it has more than {LONGEST} characters.")
    tokens = _tokens(text)
    if not tokens:
        return lambda queue: True
    parser = _Parser(tokens)
    try:
        result = parser.all_of()
    except RecursionError:
        raise errors.filter_invalid("it is nested too deeply.") from None
    if parser.left:
        raise errors.filter_invalid(f"'{parser.left[-1].text}' was not expected.")
    return result


def _tokens(text: str) -> list[Token]:
    tokens, at, text = [], 0, text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise errors.filter_invalid(f"it cannot be read from '{text[at : at + 20]}' on.")
        kind = match.lastgroup or ""
        piece = match[kind]
        if kind == "quoted":
            piece = re.sub(r"\\(.)", r"\1", piece[1:-1])
        tokens.append(Token(kind, piece))
        at = match.end()
    return tokens


class _Parser:
    """Reads tokens from the left; `left` holds those not read yet, the next one last."""

    def __init__(self, tokens: list[Token]) -> None:
        self.left = tokens[::-1]

    def all_of(self) -> Filter:
        parts = [self.any_of()]
        while self.left and self.left[-1] != Token("bracket", ")"):
            self._skip("word", "AND")
            parts.append(self.any_of())
        return lambda queue: all(part(queue) for part in parts)

    def any_of(self) -> Filter:
        parts = [self.one()]
        while self._skip("word", "OR"):
            parts.append(self.one())
        return lambda queue: any(part(queue) for part in parts)

    def one(self) -> Filter:
        if self._skip("word", "NOT"):
            inner = self.one()
            return lambda queue: not inner(queue)
        if self._skip("bracket", "("):
            inner = self.all_of()
            if not self._skip("bracket", ")"):
                raise errors.filter_invalid("a ')' is missing.")
            return inner
        field, sign, value = self._take("word"), self._take("sign"), self._take("word", "quoted")
        return comparison(field.text, sign.text, value.text)

    def _skip(self, kind: str, text: str) -> bool:
        if self.left and self.left[-1] == Token(kind, text):
            self.left.pop()
            return True
        return False

    def _take(self, *kinds: str) -> Token:
        if not self.left or self.left[-1].kind not in kinds:
            found = f"not '{self.left[-1].text}'" if self.left else "and there it ends"
            raise errors.filter_invalid(f"a field, a comparison and a value belong here, {found}.")
        return self.left.pop()


def comparison(path: str, sign: str, text: str) -> Filter:
    """Return the test of one field; `:` is "has": part of a text, else equal, `*` for any."""
    names, field = _resolve(path)
    if sign == ":" and text == "*":
        return lambda queue: _read(queue, names) is not None
    read = _reader(field)
    wanted = _wanted(field, path, text)
    if sign == ":":
        has = (lambda a, b: b in a) if isinstance(wanted, str) else _ORDER["="]
        return _test(names, read, has, wanted)
    if isinstance(wanted, str) and sign not in ("=", "!="):
        raise errors.filter_invalid(f"'{path}' has no order.")
    return _test(names, read, _ORDER[sign], wanted)


def _test(
    names: list[str], read: Callable[[Any], Any], holds: Callable[[Any, Any], bool], wanted: Any
) -> Filter:
    def test(queue: Any) -> bool:
        value = _read(queue, names)
        return value is not None and holds(read(value), wanted)

    return test


def _resolve(path: str) -> tuple[list[str], Any]:
    names: list[str] = []
    descriptor, field = QueueMessage.DESCRIPTOR, None
    for step in path.split("."):
        field = field_of(descriptor, step) if descriptor else None
        if field is None or field.is_repeated:
            raise errors.filter_invalid(f"'{path}' is not a field of Queue.")
        names.append(field.name)
        descriptor = field.message_type
    return names, field


def _read(queue: Any, names: list[str]) -> Any:
    """Return the value, or None where the queue has none."""
    *parents, last = names
    for name in parents:
        queue = getattr(queue, name)
    if queue.DESCRIPTOR.fields_by_name[last].has_presence and not queue.HasField(last):
        return None
    return getattr(queue, last)


def _reader(field: Any) -> Callable[[Any], Any]:
    kind = field.message_type.full_name if field.message_type else ""
    if kind == "google.protobuf.Duration":
        return lambda value: span(value).total_seconds()
    if kind == "google.protobuf.Timestamp":
        return lambda value: instant(value).timestamp()
    if field.enum_type:
        return lambda value: field.enum_type.values_by_number[value].name.lower()
    return lambda value: value.lower() if isinstance(value, str) else value


def _wanted(field: Any, path: str, text: str) -> Any:
    """Return the value to compare with, of the field's own kind."""
    kind = field.message_type.full_name if field.message_type else ""
    try:
        if kind == "google.protobuf.Duration":
            match = _SPAN.fullmatch(text)
            return float(match[1] if match else text)
        if kind == "google.protobuf.Timestamp":
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        if kind:
            raise errors.filter_invalid(f"'{path}' can only be asked for with ':*'.")
        if field.enum_type or isinstance(field.default_value, str):
            return text.lower()
        return float(text)
    except (ValueError, OverflowError):
        raise errors.filter_invalid(f"'{text}' is not a value of '{path}'.") from None
