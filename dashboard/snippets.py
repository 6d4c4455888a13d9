"""The same task as code: for gcloud, curl, Python, the REST API and our own command."""

import base64
import json
import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from . import names
from .drafts import Draft, under_receiver
from .shell_words import quote

INLINE_BYTES = 4096  # a longer body is read from a file
BODY_FILE = "body.bin"


def gcloud(draft: Draft) -> str:
    """Return the `gcloud tasks create-http-task` command that sends this task."""
    return _command("gcloud tasks create-http-task", draft, name_first=True)


def manage(draft: Draft) -> str:
    """Return our own command for a machine without gcloud."""
    return _command("python manage.py enqueue", draft, name_first=False)


def _command(program: str, draft: Draft, *, name_first: bool) -> str:
    queue = names.split_queue(draft.queue)
    task_id = names.short(draft.name) if draft.name else ""
    options = [("queue", queue.id), ("location", queue.location)]
    if name_first:
        options += [("project", queue.project)]
    elif task_id:
        options += [("name", task_id)]
    options += [("url", draft.url), ("method", draft.method)]
    options += [("header", f"{name}: {value}") for name, value in draft.headers]
    if draft.schedule_time:
        options.append(("schedule-time", f"{draft.schedule_time:%Y-%m-%dT%H:%M:%SZ}"))
    if draft.body:
        text = _inline(draft.body)
        options.append(("body-file", BODY_FILE) if text is None else ("body-content", text))
    if draft.account:
        options.append(("oidc-service-account-email", draft.account))
        options.append(("oidc-token-audience", draft.audience))
    elif not name_first and under_receiver(draft.url):
        options.append(("oidc-service-account-email", ""))  # else it would take the usual one
    first = f"{program} {quote(task_id)}" if name_first and task_id else program
    lines = [f"  --{name}={quote(value)}" for name, value in options]
    return " \\\n".join([first, *lines])


def curl(draft: Draft) -> str:
    """Return the curl command that sends the request itself, at once and without Cloud Tasks.

    It carries no token, and no Content-Type where the task has none.
    """
    options = ["--head" if draft.method == "HEAD" else f"-X {draft.method}"]
    if re.search(r"[\[\]{}]", draft.url):
        options.append("--globoff")
    if "/." in urlsplit(draft.url).path:
        options.append("--path-as-is")
    options.append(quote(draft.url))
    lines = [f"{name}: {value}" if value else f"{name};" for name, value in draft.headers]
    if draft.body and not any(name.lower() == "content-type" for name, _ in draft.headers):
        lines.append("Content-Type:")
    options += [f"-H {quote(line)}" for line in lines]
    if draft.body:
        text = _inline(draft.body)
        body = f"--data-binary @{BODY_FILE}" if text is None else f"--data-raw {quote(text)}"
        options.append(body)
    return " \\\n  ".join(["curl", *options])


def rest(draft: Draft) -> str:
    """Return the call of the REST API that creates this task."""
    request: dict[str, Any] = {"url": draft.url, "httpMethod": draft.method}
    if draft.headers:
        request["headers"] = dict(draft.headers)
    if draft.body:
        long = len(draft.body) > INLINE_BYTES
        encoded = f"<base64 of {BODY_FILE}>" if long else base64.b64encode(draft.body).decode()
        request["body"] = encoded
    if draft.account:
        token = {"serviceAccountEmail": draft.account, "audience": draft.audience}
        request["oidcToken"] = token
    task: dict[str, Any] = {"name": draft.name} if draft.name else {}
    task["httpRequest"] = request
    if draft.schedule_time:
        task["scheduleTime"] = f"{draft.schedule_time:%Y-%m-%dT%H:%M:%SZ}"
    local = bool(settings.CLOUD_TASKS_ENDPOINT)
    base = settings.OIDC_ISSUER if local else "https://cloudtasks.googleapis.com"
    lines = [f"curl -X POST {quote(f'{base}/v2/{draft.queue}/tasks')}"]
    if not local:
        lines.append('-H "Authorization: Bearer $(gcloud auth print-access-token)"')
    text = json.dumps({"task": task}, indent=2)
    lines += ["-H 'Content-Type: application/json'", f"--data-raw {quote(text)}"]
    return " \\\n  ".join(lines)


def _inline(body: bytes) -> str | None:
    """Return the body where a command line can carry it: text without NUL, and not too long."""
    if len(body) > INLINE_BYTES or b"\0" in body:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def python(draft: Draft) -> str:
    """Return a program for the official client that sends this task."""
    body = (
        repr(draft.body) if len(draft.body) <= INLINE_BYTES else f'open("{BODY_FILE}", "rb").read()'
    )
    request = [f"url={draft.url!r},", f"http_method=tasks_v2.HttpMethod.{draft.method},"]
    if draft.headers:
        request.append(f"headers={dict(draft.headers)!r},")
    if draft.body:
        request.append(f"body={body},")
    if draft.account:
        request += [
            "oidc_token=tasks_v2.OidcToken(",
            f"    service_account_email={draft.account!r},",
            f"    audience={draft.audience!r},",
            "),",
        ]
    task = [f"name={draft.name!r},"] if draft.name else []
    task += ["http_request=tasks_v2.HttpRequest(", *_indented(request), "),"]
    if draft.schedule_time:
        task.append(f"schedule_time=datetime.fromisoformat({draft.schedule_time.isoformat()!r}),")
    call = [f"parent={draft.queue!r},", "task=tasks_v2.Task(", *_indented(task), "),"]
    lines = [*_client(scheduled=bool(draft.schedule_time)), "client.create_task("]
    return "\n".join([*lines, *_indented(call), ")"])


def _client(*, scheduled: bool) -> list[str]:
    endpoint = settings.CLOUD_TASKS_ENDPOINT
    lines = ["from datetime import datetime", ""] if scheduled else []
    if not endpoint:
        return [
            *lines,
            "from google.cloud import tasks_v2",
            "",
            "client = tasks_v2.CloudTasksClient()",
        ]
    module = "google.cloud.tasks_v2.services.cloud_tasks.transports"
    return [
        *lines,
        "import grpc",
        "from google.cloud import tasks_v2",
        f"from {module} import CloudTasksGrpcTransport",
        "",
        f"channel = grpc.insecure_channel({endpoint!r})",
        "client = tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))",
    ]


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def all_of(draft: Draft) -> list[tuple[str, str]]:
    """Return (tab, code) for every language."""
    return [
        ("gcloud", gcloud(draft)),
        ("curl", curl(draft)),
        ("Python", python(draft)),
        ("REST", rest(draft)),
        ("manage.py", manage(draft)),
    ]
