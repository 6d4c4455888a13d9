"""Foreign bytes as text that cannot break a line, a terminal, a page or a database."""

import codecs
import re
import unicodedata

# Control, bidi, line-separator and surrogate characters: everything that ends a line, reorders
# it, or that one of the two databases refuses.
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
# Nothing of these is seen. In the log they are shown; what is stored keeps them, for search.
_ZERO_WIDTH = re.compile(r"[\u00ad\u200b-\u200d\u2060-\u2065\ufeff]")
_PRINTABLE = bytes(range(0x20, 0x7F))
# A pair of `\\uD83D\\uDE00` is one character; control characters, quotes and `\\` stay escaped.
_ESCAPE = re.compile(
    r"\\(?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|u(?!00[01][0-9a-fA-F]|0022|005[cC])[0-9a-fA-F]{4})|.)",
    re.DOTALL,
)
SEARCH_CHARACTERS = 8192
SEARCHED_BYTES = 6 * SEARCH_CHARACTERS  # each may be written as `\\u00e9`
PREVIEW_CHARACTERS = 160


def escaped(text: str, keep: str = "") -> str:
    """Return `text` with unsafe characters as `\\xNN` or `\\uNNNN`, save those in `keep`."""
    if text.isascii() and text.isprintable():
        return text  # most of what arrives, at a tenth of the cost

    return _UNSAFE.sub(lambda match: match[0] if match[0] in keep else _shown(match), text)


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


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
    """Return bytes as one safe line, cut at `limit` bytes with `... (N bytes)`; 0: that alone.

    What is not seen is shown too, as of zero width.
    """
    if len(data) <= limit and limit:
        line = decoded(data)
    else:
        line = f"{head(data, limit)}... ({len(data)} bytes)"
    return line if line.isascii() else _ZERO_WIDTH.sub(_shown, line)


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
    """Return what a search looks at, `spelled` in one way, 8 K characters at most.

    Only the cut is lost: `body` keeps the bytes.
    """
    text = body[:SEARCHED_BYTES].decode("utf-8", "backslashreplace")
    return spelled(text)[:SEARCH_CHARACTERS]


def spelled(text: str) -> str:
    r"""Return a body, or words to be found in one, alike where they mean the same.

    `\u00ef` and `\/` of JSON are what they stand for, case and blanks do not count, nor do blanks
    beside JSON's punctuation: it makes no difference whether a body is seen raw or pretty.
    """
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = " ".join(text.casefold().split())
    for sign in "[]{}:,":
        text = text.replace(f" {sign}", sign).replace(f"{sign} ", sign)
    return escaped(text)


def _unescaped(match: re.Match[str]) -> str:
    if match[0] == r"\/":
        return "/"
    if not match[1]:
        return match[0]
    units = match[0].encode().decode("unicode-escape").encode("utf-16", "surrogatepass")
    return units.decode("utf-16", "surrogatepass")


def _on_one_line(text: str) -> str:
    return escaped(" ".join(text.split()))
