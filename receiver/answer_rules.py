"""What a rule may answer and match: header lines, sizes, statuses. Pure, tested as a table."""

import re

from .masking import masked_header

HEADER_CHARACTERS = 4096
BODY_CHARACTERS = 16384
HEADERS = 20
_LINE = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}): ?([!-~](?:[ -~\t]*[!-~])?|)")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]*")
_VISIBLE = re.compile(r"[!-~]*")
# The server's own, what would break the framing, and what keeps an answer inert in a browser.
RESERVED = {
    *["connection", "content-length", "date", "keep-alive", "proxy-connection", "server", "te"],
    *["trailer", "transfer-encoding", "upgrade"],
    *["cache-control", "content-security-policy", "set-cookie", "x-content-type-options"],
}
# RFC 9110: these answers have no content.
BODILESS = (204, 205, 304)


def header_pairs(lines: str) -> list[tuple[str, str]]:
    """Return the header lines that can be sent as they stand, and leave out all others.

    A value cannot carry a second header: it is visible ASCII, blanks and tabs between.
    """
    found = [_LINE.fullmatch(line) for line in _lines(lines)]
    return [(match[1], match[2]) for match in found if match and match[1].lower() not in RESERVED][
        :HEADERS
    ]


def faults(headers: str, body: str, status: int | None) -> dict[str, str]:
    """Return a sentence for each field of an answer that cannot be sent."""
    found = {}
    lines = _lines(headers)
    if (count := sum(map(bool, lines))) > HEADERS:
        found["headers"] = f"{count} headers; at most {HEADERS}."
    for number, line in enumerate(lines, 1):
        if line and (fault := _line_fault(line)):
            found["headers"] = f"Line {number}: {fault}"
            break
    if body and status in BODILESS:
        found["body"] = f"An answer with {status} has no body."
    return found


def _lines(text: str) -> list[str]:
    # Not splitlines: to the wire a form feed ends no line, it is a byte that may not be there.
    return re.split(r"\r?\n", text)


def _line_fault(line: str) -> str:
    match = _LINE.fullmatch(line)
    if not match:
        return "Write it as Name: value, in plain ASCII."
    if match[1].lower() in RESERVED:
        return f"{match[1]} is set by the receiver itself."
    return ""


def match_faults(path: str, header_name: str, header_value: str) -> dict[str, str]:
    """Return a sentence for each field of a match that no request could meet."""
    found = {}
    if path and not path.startswith(("/", "*")):
        found["path"] = "A path begins with / (or with * for any beginning)."
    elif "?" in path or not _VISIBLE.fullmatch(path):
        found["path"] = "Write the path as it is sent: percent-encoded, without the query."
    if not _NAME.fullmatch(header_name):
        found["header_name"] = "That is not the name of a header."
    elif header_value and not header_name:
        found["header_name"] = "Name the header that must have this value."
    elif header_value and masked_header(header_name, "x") != "x":
        found["header_value"] = (
            f"The value of {header_name} is a secret and masked before it is looked at; leave "
            "this empty to match any request that has the header."
        )
    return found
