"""Received bytes as text that a page can show: nothing hidden, nothing that reorders or runs."""

import json
import re

from django.utils.safestring import SafeString, mark_safe

PRETTY_BYTES = 256 * 1024
RAW_BYTES = 64 * 1024
HEX_BYTES = 16 * 1024

# C0 (but tab and line feed), DEL, C1, bidi and line separators, zero-width signs, surrogates.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    r"""Return `text` with hidden characters as `\xNN` or `\uNNNN`; tabs and line feeds stay."""
    return _HIDDEN.sub(_escape, text)


def hides(text: str) -> bool:
    """Tell whether there are characters in it that `visible` would show otherwise."""
    return _HIDDEN.search(text) is not None


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def raw(body: bytes) -> str:
    r"""Return the first 64 KiB as text; what is not UTF-8 as `\xNN`."""
    text = body[:RAW_BYTES].decode("utf-8", "backslashreplace")
    return visible(text.replace("\r\n", "\n"))


def hexdump(body: bytes) -> str:
    """Return offset, hex and ASCII columns of the first 16 KiB."""
    lines = []
    for start in range(0, min(len(body), HEX_BYTES), 16):
        row = body[start : start + 16]
        left, right = row[:8].hex(" "), row[8:].hex(" ")
        signs = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{start:08x}  {left:<23}  {right:<23}  {signs}")
    return "\n".join(lines)


def pretty(body: bytes) -> SafeString | None:
    """Return JSON indented and coloured as escaped HTML; None for anything else.

    A rendering only: repeated keys are dropped and floats rewritten, so `raw` stays the truth.
    """
    if not body or len(body) > PRETTY_BYTES:
        return None
    try:
        text = json.dumps(json.loads(body.decode()), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    return _coloured(visible(text))


def _coloured(text: str) -> SafeString:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import JsonLexer

    # Pygments escapes what it wraps; classes only, since the policy forbids inline style.
    return mark_safe(highlight(text, JsonLexer(), HtmlFormatter(nowrap=True)))  # noqa: S308
