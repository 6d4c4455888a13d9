"""A pasted command as the fields of the enqueue form: curl, gcloud, or our own. Nothing is run."""

import re
from dataclasses import dataclass, field

from django.conf import settings
from django.core.exceptions import ValidationError

from . import curl, drafts, names, shell_words

MOST = 2 * 2**20  # characters
# The flags of `gcloud tasks create-http-task`, and the form's field of each.
_FIELDS = {
    "--queue": "queue",
    "--url": "url",
    "--method": "method",
    "--header": "header",
    "--schedule-time": "schedule_time",
    "--body-content": "body",
    "--oidc-service-account-email": "account",
    "--oidc-token-audience": "audience",
    "--name": "name",  # our own command's
    "--location": "location",
    "--project": "project",
}
_LEFT_OUT = {
    "--body-file": "files are not read here",
    "--oauth-service-account-email": "only identity tokens (OIDC) are sent from here",
    "--oauth-token-scope": "only identity tokens (OIDC) are sent from here",
    "--jsonl": "files are not read here",
}
# gcloud's own flags for every command.
_ASIDE = {
    *["--account", "--billing-project", "--configuration", "--flags-file", "--flatten"],
    *["--format", "--impersonate-service-account", "--verbosity", "--access-token-file"],
    *["--trace-token", "--filter"],
}
_WITH_VALUE = {*_FIELDS, *_LEFT_OUT, *_ASIDE}
_BARE = {"--quiet", "-q", "--log-http", "--user-output-enabled", "--no-user-output-enabled"}


@dataclass(frozen=True)
class Pasted:
    """The form's fields, and in sentences what of the command is not in them."""

    program: str
    fields: dict[str, str]
    left_out: list[str] = field(default_factory=list)


def read(text: str) -> Pasted:
    """Read one command; raises ValidationError with the sentence of why it cannot be."""
    if len(text) > MOST:
        raise ValidationError(f"{len(text):,} characters; a task may have 1 MiB altogether.")
    if "^\n" in text.replace("\r", "") or '^"' in text:
        raise ValidationError("This is written for Windows' cmd: copy it as cURL (bash).")
    words = shell_words.split(re.sub(r"^\s*[$#>] +", "", text))
    program, rest = _program(words)
    fields, left_out = curl.read(rest) if program == "curl" else _gcloud(rest)
    if field_name := next((name for name, value in fields.items() if not _is_text(value)), ""):
        raise ValidationError(f"The {field_name} is not UTF-8 text, which alone a form can hold.")
    if "\r" in fields["body"]:
        left_out.append("Carriage returns in the body: a form sends each line's end as one \\n.")
        fields["body"] = fields["body"].replace("\r\n", "\n").replace("\r", "\n")
    if program != "gcloud":  # which sends a token only where it is told to
        ours = drafts.under_receiver(fields["url"])
        fields.setdefault("account", str(settings.OIDC_SERVICE_ACCOUNT) if ours else "")
    return Pasted(program, fields, left_out)


def _program(words: list[str]) -> tuple[str, list[str]]:
    first = words[0].rpartition("/")[2] if words else ""
    if first == "curl":
        return "curl", words[1:]
    if first == "gcloud" and "create-http-task" in words:
        at = words.index("create-http-task")
        before = [word for word in words[1:at] if word not in ("tasks", "alpha", "beta")]
        return "gcloud", before + words[at + 1 :]
    if first.startswith("python") and "enqueue" in words[:3] or words[1:2] == ["enqueue"]:
        return "manage.py", words[words.index("enqueue") + 1 :]
    raise ValidationError("Paste a curl command, or gcloud tasks create-http-task.")


def _is_text(value: str) -> bool:
    return not re.search("[\ud800-\udfff]", value)


def _gcloud(words: list[str]) -> tuple[dict[str, str], list[str]]:
    given: dict[str, str] = {}
    headers: list[str] = []
    left_out: list[str] = []
    rest = iter(words)
    for word in rest:
        flag, sign, value = word.partition("=")
        if not word.startswith("-"):
            flag, value = "--name", word
        elif not sign and flag in _WITH_VALUE:
            value = next(rest, "")
        if flag == "--header":
            headers.append(value)
        elif flag in _FIELDS:
            given[_FIELDS[flag]] = value
        elif why := _LEFT_OUT.get(flag):
            left_out.append(f"{flag} was left out: {why}.")
        elif flag not in _ASIDE and flag not in _BARE:
            left_out.append(f"{flag} is not known here and was left out.")
    if not given.get("url"):
        raise ValidationError("The command names no --url.")
    return _fields(given, headers, left_out), left_out


def _fields(given: dict[str, str], headers: list[str], left_out: list[str]) -> dict[str, str]:
    audience = given.pop("audience", "")
    if audience and audience != _audience(given["url"]):
        left_out.append(f"The audience {audience}: it is made from the target, never typed.")
    project, location = given.pop("project", ""), given.pop("location", "")
    queue = given.get("queue", "")
    if queue and "/" not in queue:
        full = f"{names.parent(project, location)}/queues/{queue}"
        given["queue"] = queue if full == f"{names.parent()}/queues/{queue}" else full
    defaults = {"method": "POST", "body": "", "name": ""}
    lines = "\n".join(header.replace("\n", " ") for header in headers)
    return defaults | given | {"headers": lines}


def _audience(url: str) -> str:
    try:
        return drafts.audience_for(url)
    except ValidationError:
        return str(settings.RECEIVER_URL)
