"""A task's timeline as Markdown, to paste into an issue: only what its reader may see."""

import re
from datetime import UTC, datetime

from . import inert, whole_line
from .subject import Subject
from .timeline import Entry

BODY_CHARACTERS = 4096
_SECRET = re.compile(r"auth|cookie|token|secret|password|api-?key|signature", re.IGNORECASE)


def markdown(subject: Subject, *, may_see_body: bool) -> str:
    """Return the report; times are UTC, values of headers that sound secret are left out."""
    lines = [f"# Task {_code(subject.task_id)}", ""]
    lines += [f"- {label}: {value}" for label, value in _facts(subject)]
    lines += ["", "| when (UTC) | what | details |", "| --- | --- | --- |"]
    lines += [_row(entry) for entry in whole_line.of_subject(subject)]
    if sent := subject.sent:
        lines += ["", "## Request", "", f"{_code(f'{sent.method} {sent.url}')}", ""]
        lines += [f"- {_code(f'{name}: {_shown(name, value)}')}" for name, value in sent.headers]
        lines += _body(bytes(sent.body)) if may_see_body else [_not_seen(sent.body_size)]
    return "\n".join([*lines, ""])


def _facts(subject: Subject) -> list[tuple[str, str]]:
    state = subject.state.capitalize() or "Not created"
    return [
        ("State", f"**{state}** at {_utc(subject.now)}"),
        ("Full name", _code(subject.name)),
        *([("Target", _code(subject.url))] if subject.url else []),
        *whole_line.summary(subject),
    ]


def _row(entry: Entry) -> str:
    details = [_cell(line) for line in entry.lines]
    if entry.here and details:
        details[-1] = f"{details[-1]} {_utc(entry.here)}"
    if entry.signed:
        marks = {True: "yes", False: "NO", None: "claimed"}
        checks = ", ".join(f"{tick.text}: {marks[tick.done]}" for tick in entry.ticks)
        details.append(_cell(f"{entry.signed} ({checks})"))
    for reason in entry.reasons:
        when = f" {_utc(reason.at)}" if reason.at else ""
        details.append(_cell(f"{reason.text}{when} {reason.mend}".strip()))
    when = "" if entry.at is None else _utc(entry.at)[: 16 if entry.minute else None]
    return f"| {when} | {_cell(entry.title)} | {'<br>'.join(details)} |"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _shown(name: str, value: str) -> str:
    return "(left out)" if _SECRET.search(name) else value


def _not_seen(size: int) -> str:
    return f"\nBody: {size:,} bytes, which its reporter may not see." if size else "\nNo body."


def _body(body: bytes) -> list[str]:
    if not body:
        return ["", "No body."]
    text = inert.raw(body)
    cut = text[:BODY_CHARACTERS]
    fence = "`" * (max((len(run) for run in re.findall("`+", cut)), default=2) + 1)
    more = ", the beginning" if len(cut) < len(text) or len(body) > inert.RAW_BYTES else ""
    return ["", f"Body, {len(body):,} bytes{more}:", "", fence, cut, fence]


def _code(text: str) -> str:
    """Return a text as inline code, whatever is in it."""
    one_line = " ".join(inert.visible(text).split())
    fence = "`" * (max((len(run) for run in re.findall("`+", one_line)), default=0) + 1)
    pad = " " if "`" in one_line else ""
    return f"{fence}{pad}{one_line}{pad}{fence}"


def _cell(text: str) -> str:
    """Return a text for a table's cell: no column, line, link, mention or tag can come of it."""
    one_line = " ".join(inert.visible(text).split())
    return re.sub(r"([\\`*_{}\[\]<>|#@!~])", r"\\\1", one_line)
