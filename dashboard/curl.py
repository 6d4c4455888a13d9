"""A pasted curl command as the fields of the enqueue form: read, never run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from django.core.exceptions import ValidationError

from . import rules

# What concerns the connection or the terminal, not the request. With a value, and without.
_ASIDE = {
    *["-o", "--output", "-m", "--max-time", "--connect-timeout", "--retry", "-w", "--write-out"],
    *["--cacert", "--resolve", "--retry-delay", "-x", "--proxy", "--limit-rate", "-D"],
    *["--dump-header", "--interface", "--max-redirs", "--ciphers", "--stderr", "--trace"],
}
_BARE = {
    *["-s", "--silent", "-S", "--show-error", "-L", "--location", "-k", "--insecure", "-i"],
    *["--include", "-v", "--verbose", "-f", "--fail", "--compressed", "-g", "--globoff", "-N"],
    *["--no-buffer", "--http1.1", "--http2", "--http1.0", "--http3", "-4", "-6", "--path-as-is"],
    *["--fail-with-body", "-#", "--progress-bar", "-q", "--disable", "--no-progress-meter", "-O"],
    *["--remote-name", "-1", "--tlsv1.2", "--tlsv1.3", "--no-keepalive"],
}
_DATA = {"-d", "--data", "--data-ascii", "--data-raw", "--data-binary", "--data-urlencode"}
_DATA |= {"--json", "--url-query"}
_LEFT_OUT = {
    "-u": "a task carries no password; the token of a service account is what a receiver checks",
    "-A": "Cloud Tasks sets the User-Agent",
    "-b": "a task carries no cookies",
    "-e": "say the Referer as a header",
    "-F": "a form of several parts is not made here: paste the body that it makes",
    "-T": "files are not read here",
    "-E": "a task carries no certificate of its own",
    "--key": "a task carries no certificate of its own",
    "-K": "files are not read here",
    "--oauth2-bearer": "Cloud Tasks makes the token",
    "--aws-sigv4": "Cloud Tasks makes the token",
}
_SHORT_OF = {
    **{"--request": "-X", "--header": "-H", "--user": "-u", "--user-agent": "-A"},
    **{"--cookie": "-b", "--referer": "-e", "--form": "-F", "--upload-file": "-T"},
    **{"--cert": "-E", "--config": "-K", "--get": "-G", "--head": "-I", "--form-string": "-F"},
}
_WITH_VALUE = {"-X", "-H", "--url", *_DATA, *_ASIDE, *_LEFT_OUT}


@dataclass
class Request:
    """What the command would send, and in sentences what of it was left out."""

    url: str = ""
    method: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    query: list[str] = field(default_factory=list)
    in_query: bool = False
    json: bool = False
    dropped: set[str] = field(default_factory=set)  # headers that curl is told not to send
    notes: list[str] = field(default_factory=list)


def read(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the form's fields and what was left out, of the words after `curl`.

    Raises ValidationError where it names no URL, or more than one.
    """
    request = Request()
    for flag, value in _flags(words):
        _take(request, flag, value)
    if not request.url:
        raise ValidationError("The command names no URL.")
    return _fields(request), request.notes


def _flags(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield (flag, value) with short flags taken apart and long ones by their short name."""
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word == "-":
            yield "--url", word
        elif word.startswith("--"):
            name = _SHORT_OF.get(word, word)
            yield name, _value(name, rest) if name in _WITH_VALUE else ""
        else:
            yield from _short(word[1:], rest)


def _short(letters: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    while letters:
        flag, letters = f"-{letters[0]}", letters[1:]
        if flag in _WITH_VALUE:
            yield flag, letters or _value(flag, rest)
            return
        yield flag, ""


def _value(flag: str, rest: Iterator[str]) -> str:
    try:
        return next(rest)
    except StopIteration:
        raise ValidationError(f"{flag} lacks its value.") from None


def _take(request: Request, flag: str, value: str) -> None:
    if flag == "--url":
        if request.url:
            raise ValidationError(f"Two URLs: {request.url} and {value}.")
        request.url = value if "://" in value else f"http://{value}"
    elif flag == "-X":
        request.method = value.upper()
    elif flag == "-I":
        request.method = request.method or "HEAD"
    elif flag == "-G":
        request.in_query = True
    elif flag == "-H":
        _take_header(request, value)
    elif flag in _DATA:
        _take_data(request, flag, value)
    elif why := _LEFT_OUT.get(flag):
        request.notes.append(f"{flag} was left out: {why}.")
    elif flag not in _ASIDE and flag not in _BARE:
        request.notes.append(f"{flag} is not known here and was left out.")


def _take_header(request: Request, line: str) -> None:
    name, colon, value = line.partition(":")
    if not colon:  # curl sends `Name;` as a header without a value
        name, colon, value = line.rstrip().removesuffix(";"), ";", ""
    elif not value.strip():
        request.dropped.add(name.lower())
        return
    if line.startswith("@"):
        request.notes.append(f"-H {line} was left out: files are not read here.")
    elif rules.is_reserved(name.strip()):
        request.notes.append(f"{name.strip()} was left out: Cloud Tasks sets it.")
    else:
        request.headers.append((name.strip(), value.strip(" \t")))


def _take_data(request: Request, flag: str, value: str) -> None:
    if value.startswith("@") and flag not in ("--data-raw", "--url-query"):
        request.notes.append(f"{flag} {value} was left out: files are not read here.")
    elif flag == "--data-urlencode":
        name, sign, content = value.partition("=")
        if not sign and "@" in value:
            request.notes.append(f"{flag} {value} was left out: files are not read here.")
            return
        text = content if sign else value
        encoded = quote_plus(text.encode("utf-8", "surrogateescape"))
        request.data.append(f"{name}={encoded}" if sign and name else encoded)
    elif flag == "--url-query":
        request.query.append(value.removeprefix("+"))
    else:
        request.json = request.json or flag == "--json"
        request.data.append(value)


def _fields(request: Request) -> dict[str, str]:
    body = ("" if request.json else "&").join(request.data)
    query = [*request.query, body] if request.in_query and body else request.query
    if request.in_query:
        body = ""
    url = request.url + (f"{'&' if '?' in request.url else '?'}{'&'.join(query)}" if query else "")
    method = request.method or ("GET" if request.in_query or not request.data else "POST")
    names = {name.lower() for name, _ in request.headers} | request.dropped
    implied = []
    if body and "content-type" not in names:
        form = "application/x-www-form-urlencoded"
        implied.append(("Content-Type", "application/json" if request.json else form))
    if request.json and "accept" not in names:
        implied.append(("Accept", "application/json"))
    lines = [f"{name}: {value}" for name, value in [*request.headers, *implied]]
    return {
        "url": re.sub(r"[^\x21-\x7e]", lambda found: quote(found[0], safe=""), url.strip()),
        "method": method,
        "headers": "\n".join(lines),
        "body": body,
    }
