"""The rules for what is typed: the form's and the commands' alike.

Each returns the clean value or raises ValidationError with the sentence to show.
"""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

from .names import TASK

URL_LENGTH = 2083
HEADERS, HEADER_BYTES, ALL_HEADER_BYTES = 80, 16_000, 80_000
HORIZON = timedelta(days=30)
PAST = timedelta(minutes=1)

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?|")
_RESERVED = re.compile(
    r"host|content-length|transfer-encoding|connection|te|upgrade|user-agent|authorization|"
    r"proxy-authorization|x-serverless-authorization|cookie|(x-cloudtasks|x-google|x-appengine)-.*",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")

_HOST = re.compile(r"[^.]{1,63}(\.[^.]{1,63})*\.?")
ACCOUNT_LENGTH = 320


def clean_url(text: str) -> str:
    """Return a target URL that means the same to everyone who parses it."""
    if re.search(r"[\x00-\x20\x7f]", text):
        raise ValidationError("A URL has no spaces, line breaks or control characters.")
    if not text.isascii():
        raise ValidationError("A URL is ASCII: percent-encode the rest, write a host as xn--.")
    if len(text) > URL_LENGTH:
        raise ValidationError(f"{len(text):,} characters; a URL may have {URL_LENGTH:,}.")
    try:
        parts = urlsplit(text)
        port_is_good = parts.port is None or 0 < parts.port < 65536
        host = parts.hostname
    except ValueError as error:
        raise ValidationError(f"Not a URL: {error}.") from error
    if parts.scheme not in ("http", "https"):
        raise ValidationError("The URL must start with http:// or https://.")
    if not host:
        raise ValidationError("The URL names no host.")
    if not _HOST.fullmatch(host):
        raise ValidationError("The parts of a host's name have 1 to 63 characters each.")
    if not port_is_good:
        raise ValidationError("A port is between 1 and 65535.")
    if "@" in parts.netloc:
        raise ValidationError("A URL with a user name or password is not sent.")
    if "#" in text:
        raise ValidationError("A URL with a # fragment is not sent: targets never see it.")
    return text


def clean_audience(text: str) -> str:
    """Return the audience of a token: any text of a URL's characters and length, or none."""
    if re.search(r"[^\x21-\x7e]", text):
        raise ValidationError("An audience has only ASCII letters, digits and signs.")
    if len(text) > URL_LENGTH:
        raise ValidationError(f"{len(text):,} characters; an audience may have {URL_LENGTH:,}.")
    return text


def is_reserved(name: str) -> bool:
    """Tell whether Cloud Tasks sets this header itself, or we never send it."""
    return _RESERVED.fullmatch(name) is not None


def is_sendable(name: str, value: str) -> bool:
    """Tell whether name and value have only characters that a header can carry."""
    good = _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)
    return good is not None


def clean_headers(lines: str) -> list[tuple[str, str]]:
    """Return the headers of `Name: value` lines; empty lines are skipped."""
    headers: list[tuple[str, str]] = []
    for number, line in enumerate(re.split(r"\r?\n", lines), start=1):
        if line.strip(" \t"):
            headers.append(_header(line, f"Line {number}"))
    names = [name.lower() for name, _ in headers]
    for name in names:
        if names.count(name) > 1:
            raise ValidationError(f"{name} is there twice; Cloud Tasks keeps one of each name.")
    if len(headers) > HEADERS:
        raise ValidationError(f"{len(headers)} headers; a receiver may refuse more than {HEADERS}.")
    total = sum(len(name) + len(value) for name, value in headers)
    if total >= ALL_HEADER_BYTES:
        raise ValidationError(f"{total:,} bytes; all headers together stay below 80 kB.")
    return headers


def _header(line: str, where: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name, value = name.strip(" \t"), value.strip(" \t")
    if not colon:
        raise ValidationError(f"{where}: write it as Name: value.")
    if not _HEADER_NAME.fullmatch(name):
        raise ValidationError(f"{where}: {name!r} is not a header name.")
    if is_reserved(name):
        raise ValidationError(f"{where}: {name} is set by Cloud Tasks itself.")
    if not _HEADER_VALUE.fullmatch(value):
        raise ValidationError(f"{where}: a value has only ASCII letters, digits, signs and spaces.")
    if len(line) > HEADER_BYTES:
        raise ValidationError(
            f"{where}: {len(line):,} bytes; one header may have {HEADER_BYTES:,}."
        )
    return name, value


def clean_schedule(text: str, zone: str = "UTC", now: datetime | None = None) -> datetime | None:
    """Return the instant meant, in UTC; None for now. Without an offset the text is in `zone`."""
    if not text.strip():
        return None
    try:
        moment = parse_datetime(text.strip())
    except ValueError:
        moment = None
    if moment is None:
        raise ValidationError("Write a time as 2026-11-24 09:00 or 2026-11-24T09:00:00Z.")
    try:
        moment = (moment if moment.tzinfo else _in_zone(moment, zone)).astimezone(UTC)
    except OverflowError as error:  # in UTC it is before the year 1 or after 9999
        raise ValidationError("No such time: its year in UTC is not between 1 and 9999.") from error
    now = now or datetime.now(UTC)
    if moment < now - PAST:
        raise ValidationError(f"That is in the past: {moment:%Y-%m-%d %H:%M:%S} UTC.")
    if moment > now + HORIZON:
        raise ValidationError("A task can be scheduled at most 30 days (720 h) ahead.")
    return moment


def _in_zone(moment: datetime, zone: str) -> datetime:
    try:
        local = moment.replace(tzinfo=ZoneInfo(zone or "UTC"))
    except (ValueError, OSError, LookupError) as error:
        raise ValidationError(f"Unknown time zone {zone!r}.") from error
    if local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != moment:
        raise ValidationError(f"This time does not exist in {zone}: the clocks go forward then.")
    return local


def clean_task_id(text: str) -> str:
    """Return the task id, which may be empty for a random one."""
    if text and not re.fullmatch(TASK, text):
        raise ValidationError(
            "A task's name has 1 to 500 letters, digits, hyphens and underscores."
        )
    return text


def clean_account(text: str) -> str:
    """Return the service account's address, which may be empty for no token."""
    if len(text) > ACCOUNT_LENGTH:
        raise ValidationError(f"{len(text):,} characters; an address has at most {ACCOUNT_LENGTH}.")
    if text and not _ACCOUNT.fullmatch(text):
        raise ValidationError("A service account looks like name@project.iam.gserviceaccount.com.")
    return text
