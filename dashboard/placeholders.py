"""`{{n}}` and the like in the fields of a batch's form, filled in for each row.

`{{{{` and `}}}}` stand for the braces themselves.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote

from django.core.exceptions import ValidationError

BUILT_IN = {
    "n": "the row's number, from 1",
    "uuid": "a random UUID of the row",
    "time": "when the row is sent, as 2026-11-24T09:00:00.000Z",
}
FILTERS: dict[str, Callable[[str], str]] = {
    "json": json.dumps,
    "url": lambda value: quote(value, safe=""),
}
_MARK = re.compile(r"\{\{\{\{|\}\}\}\}|\{\{([^{}]*)\}\}")


def split(mark: str) -> tuple[str, str]:
    """Return a placeholder's name and filter, which may be empty."""
    name, _, kind = mark.partition("|")
    return name.strip(), kind.strip()


def used(text: str) -> list[tuple[str, str]]:
    """Return (name, filter) of every placeholder in a text."""
    return [split(mark[1]) for mark in _MARK.finditer(text) if mark[1] is not None]


def check(text: str, columns: Iterable[str]) -> None:
    """Refuse a text with a placeholder that nothing fills."""
    known = list(dict.fromkeys([*BUILT_IN, *columns]))
    for name, kind in used(text):
        if name not in known:
            raise ValidationError(
                f"Nothing fills {{{{{name}}}}}: there is {', '.join(known)}. "
                f"To send it as it stands, write {{{{{{{{{name}}}}}}}}}."
            )
        if kind and kind not in FILTERS:
            raise ValidationError(
                f"{{{{{name}|{kind}}}}}: after the | comes {' or '.join(FILTERS)}."
            )


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with each placeholder replaced; it has been checked before."""

    def value(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][:2]
        name, kind = split(match[1])
        return FILTERS[kind](values[name]) if kind else values[name]

    return _MARK.sub(value, text) if "{{" in text or "}}}}" in text else text
