r"""The words of one shell command, as a shell would read and write them, with nothing run.

shlex knows no $'...', in which browsers copy a request, and takes an unquoted & or | for text.
"""

import re
import shlex

from django.core.exceptions import ValidationError

from . import inert

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPES |= {"e": "\x1b", "E": "\x1b", "\\": "\\", "'": "'", '"': '"', "?": "?"}
_ANSI = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|(.))", re.DOTALL
)
_PIECE = re.compile(
    r"""(?P<blank>(?:[ \t]|\\\n)+)
    | \$'(?P<ansi>(?:\\.|[^'\\])*)'
    | '(?P<single>[^']*)'
    | "(?P<double>(?:\\.|[^"\\])*)"
    | \\(?P<escaped>.)
    | (?P<plain>[^\s'"\\$`;&|<>()]+|\$(?![\w{(*@#?$!'"-]))
    | (?P<end>\n\s*)""",
    re.VERBOSE | re.DOTALL,
)
_RUN = re.compile(r"(?<!\\)(?:\\\\)*(?:`|\$[\w{(*@#?$!-])")


def quote(text: str) -> str:
    r"""Return a word that a shell reads as this text, hidden characters as `$'\xNN'`.

    What is copied into a terminal must not move its cursor, and must be what is seen.
    """
    if not inert.hides(text):
        return shlex.quote(text)
    return f"$'{''.join(map(_quoted, text))}'"


def _quoted(sign: str) -> str:
    if inert.hides(sign):
        return "".join(f"\\x{byte:02x}" for byte in sign.encode())
    return f"\\{sign}" if sign in "\\'" else sign


def split(text: str) -> list[str]:
    """Return the command's words; raises ValidationError with what a shell would do beyond them."""
    text = text.strip().replace("\r\n", "\n")
    words: list[str] = []
    at, word = 0, None
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None:
            raise ValidationError(_why(text[at:]))
        if piece["end"] is not None:
            raise ValidationError("There are two commands: paste one, with \\ at its lines' ends.")
        if piece["blank"] is not None:
            # A line that goes on is no gap inside a word, but blanks around it are.
            if word is not None and piece["blank"].replace("\\\n", ""):
                words.append(word)
                word = None
        else:
            word = (word or "") + _text(piece)
        at = piece.end()
    return words if word is None else [*words, word]


def _text(piece: re.Match[str]) -> str:
    if (ansi := piece["ansi"]) is not None:
        return _ansi(ansi)
    if (double := piece["double"]) is not None:
        if _RUN.search(double):
            raise ValidationError(_why("$"))
        return re.sub(r'\\([$`"\\\n])', lambda found: found[1].strip("\n"), double)
    return piece["single"] or piece["escaped"] or piece["plain"] or ""


def _ansi(text: str) -> str:
    """Return what $'...' stands for; its bytes are read as UTF-8."""
    raw = b""
    at = 0
    for found in _ANSI.finditer(text):
        raw += text[at : found.start()].encode("utf-8", "surrogatepass") + _escape(found)
        at = found.end()
    return (raw + text[at:].encode()).decode("utf-8", "surrogateescape")


def _escape(found: re.Match[str]) -> bytes:
    byte, short, long, octal, sign = found.groups()
    if byte or octal:
        return bytes([int(byte, 16) if byte else int(octal, 8) & 0xFF])
    if code := short or long:
        point = int(code, 16)
        return (chr(point) if point < 0x110000 else "").encode("utf-8", "surrogatepass")
    return (_ESCAPES.get(sign) or f"\\{sign}").encode()


def _why(rest: str) -> str:
    if rest[0] in "$`":
        return "A $ or ` would be replaced by the shell. Nothing is run here: write the value."
    if rest[0] in "'\"":
        return f"A quote is not closed: {rest[:40]}"
    if rest[0] == "\\":
        return "It ends within a line: something is missing after the \\."
    return f"A {rest[0]} outside quotes is the shell's: put what it is part of into quotes."
