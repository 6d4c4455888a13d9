"""Two attempts side by side: only what differs of their headers and bodies."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from receiver.models import Event

from . import identity, inert, words

LINES = 2000
AROUND = 3


@dataclass(frozen=True)
class Pair:
    """One line of both sides; `kind` is same, changed, gone (left alone) or new (right alone)."""

    left: str
    right: str
    kind: str
    name: str = ""


def facts(a: Event, b: Event) -> list[Pair]:
    """Return what differs of how they came and what they were answered."""
    found = [_pair(name, x, y) for (name, x), (_, y) in zip(_facts(a), _facts(b), strict=True)]
    return [pair for pair in found if pair.kind != "same"]


def _facts(event: Event) -> list[tuple[str, str]]:
    took = "" if event.took_us is None else words.took(event.took_us / 1e6)
    query = f"?{event.query}" if event.query else ""
    return [
        ("Answered", str(event.status) if event.status else "nothing: connection dropped"),
        ("By the reply", event.reply_name),
        ("Took", took),
        ("Request", f"{event.method} {event.path}{query}"),
        ("Caller", identity.signed_by(event)),
        ("Audience", event.caller_audience),
        ("Reason given", event.retry_reason),
        ("Body", f"{event.body_size:,} bytes"),
    ]


def headers(a: Event, b: Event) -> list[Pair]:
    """Return the headers that differ, by name in any case; a repeated one counts as a list."""
    left, right = _by_name(a.headers), _by_name(b.headers)
    names = [*left, *(name for name in right if name not in left)]
    found = [
        _pair((left.get(name) or right[name])[0], *(_values(side, name) for side in (left, right)))
        for name in names
    ]
    return [pair for pair in found if pair.kind != "same"]


def bodies(a: bytes, b: bytes) -> list[Pair]:
    """Return the lines that differ with three around them; JSON is laid out the same way first.

    No more than the first 2,000 lines of the first 64 KiB are compared.
    """
    if a == b:
        return []
    left, right = _lines(a), _lines(b)
    found: list[Pair] = []
    for group in SequenceMatcher(None, left, right, autojunk=False).get_grouped_opcodes(AROUND):
        if found:
            found.append(Pair("…", "…", "same"))
        for tag, i, j, k, m in group:
            found += _changed(tag, left[i:j], right[k:m])
    return found


def _changed(tag: str, left: list[str], right: list[str]) -> Iterator[Pair]:
    for n in range(max(len(left), len(right))):
        x = left[n] if n < len(left) else None
        y = right[n] if n < len(right) else None
        kind = (
            "same" if tag == "equal" else "gone" if y is None else "new" if x is None else "changed"
        )
        yield Pair(x or "", y or "", kind)


def _pair(name: str, x: str, y: str) -> Pair:
    kind = "same" if x == y else "gone" if not y else "new" if not x else "changed"
    return Pair(x, y, kind, name)


def _by_name(headers: list[list[str]]) -> dict[str, tuple[str, list[str]]]:
    found: dict[str, tuple[str, list[str]]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), (name, []))[1].append(value)
    return found


def _values(side: dict[str, tuple[str, list[str]]], name: str) -> str:
    return ", ".join(side[name][1]) if name in side else ""


def _lines(body: bytes) -> list[str]:
    begin = body[: inert.RAW_BYTES]
    if len(body) == len(begin):
        try:
            laid_out = json.dumps(json.loads(body.decode()), indent=2, ensure_ascii=False)
            return inert.visible(laid_out).split("\n")[:LINES]
        except (ValueError, RecursionError):
            pass
    return inert.raw(begin).split("\n")[:LINES]
