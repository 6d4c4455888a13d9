"""Foreign bytes as text that cannot break a line, a terminal, a page or a database."""

import codecs
import json
import re

# Control, bidi, line-separator and surrogate characters: everything that ends a line, reorders
# it, or that one of the two databases refuses.
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_PRINTABLE = bytes(range(0x20, 0x7F))
_encode = json.JSONEncoder(ensure_ascii=False).encode
SEARCH_CHARACTERS = 8192
JSON_BYTES = 256 * 1024
PREVIEW_CHARACTERS = 160


def escaped(text: str, keep: str = "") -> str:
    """Return `text` with unsafe characters as `\\xNN` or `\\uNNNN`, save those in `keep`."""
    if text.isascii() and text.isprintable():
        return text  # most of what arrives, at a tenth of the cost

    def shown(match: re.Match[str]) -> str:
        code = ord(match[0])
        if match[0] in keep:
            return match[0]
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

    return _UNSAFE.sub(shown, text)


def decoded(data: bytes, keep: str = "") -> str:
    """Return bytes as escaped text: UTF-8, what is not UTF-8 as `\\xNN`."""
    if not data.translate(None, _PRINTABLE):
        return data.decode("ascii")
    return escaped(data.decode("utf-8", "backslashreplace"), keep)


def head(data: bytes, limit: int, keep: str = "") -> str:
    """Like `decoded`, of the first `limit` bytes without a character cut in half."""
    if len(data) <= limit:
        return decoded(data, keep)
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    return escaped(decoder.decode(data[:limit]), keep)


def one_line(data: bytes, limit: int) -> str:
    """Return bytes as one safe line, cut at `limit` bytes with `... (N bytes)`; 0: that alone."""
    if len(data) <= limit and limit:
        return decoded(data)
    return f"{head(data, limit)}... ({len(data)} bytes)"


def from_wsgi(value: str, limit: int | None = None) -> str:
    """Return a WSGI string (bytes in Latin-1's clothes) as escaped text of `limit` characters."""
    if value.isascii():
        return escaped(value)[:limit]
    try:
        return decoded(value.encode("latin-1"))[:limit]
    except UnicodeEncodeError:  # a test's or another server's text that was never bytes
        return escaped(value)[:limit]


def preview(body: bytes) -> str:
    """Return the beginning of a body for a list: one line, blanks collapsed, 160 characters."""
    # Of most bodies a smaller piece says as much; what ends a piece may be half a character.
    text = _on_one_line(body[: 2 * PREVIEW_CHARACTERS].decode("utf-8", "backslashreplace"))
    if len(text) <= PREVIEW_CHARACTERS + 20 and len(body) > 2 * PREVIEW_CHARACTERS:
        text = _on_one_line(body[: 4 * PREVIEW_CHARACTERS].decode("utf-8", "backslashreplace"))
    if len(text) <= PREVIEW_CHARACTERS and len(body) <= 4 * PREVIEW_CHARACTERS:
        return text
    return text[: PREVIEW_CHARACTERS - 1] + "…"


def searchable(body: bytes) -> str:
    """Return what a search looks at: JSON in one spelling, anything else as text, 8 K characters.

    Only the cut is lost: `body` keeps the bytes.
    """
    text = _json(body) if len(body) <= JSON_BYTES else None
    if text is None:
        text = body[: 4 * SEARCH_CHARACTERS].decode("utf-8", "backslashreplace")
    return _on_one_line(text[: 2 * SEARCH_CHARACTERS])[:SEARCH_CHARACTERS]


def _json(body: bytes) -> str | None:
    # A nested or a long-numbered bomb raises RecursionError or ValueError: then it is just text.
    if body[:1] not in (b"{", b"[", b'"', b" ", b"\n", b"\r", b"\t"):
        return None
    try:
        return _encode(json.loads(body.decode("utf-8")))
    except (ValueError, RecursionError, MemoryError):
        return None


def _on_one_line(text: str) -> str:
    return escaped(" ".join(text.split()))
