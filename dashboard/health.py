"""Is everything there that a task needs on its way: database, Cloud Tasks, receiver, certificates.

Each part is asked once, waits at most 3 seconds, and is remembered for some seconds.
"""

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, run_checks
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.template.defaultfilters import filesizeformat

from receiver.models import Refusal

from . import gateway, names
from .cache import kept_for
from .errors import GatewayError, NotFound

SECONDS = 3.0
MOST_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Health:
    """One part: `state` is the colour of its pill (ok, warn, bad, quiet), `word` stands in it."""

    name: str
    state: str
    word: str
    text: str
    mend: str = ""
    command: str = ""


def look() -> list[Health]:
    """Ask all parts, those over the network at the same time."""
    with ThreadPoolExecutor(3) as threads:
        others = [threads.submit(part) for part in (_cloud_tasks, _receiver, _certificates)]
        return [_database(), *(other.result() for other in others)]


@kept_for(60)
def findings() -> list[CheckMessage]:
    """Return what the system checks find in this process's settings, kept for a minute."""
    found = run_checks(include_deployment_checks=settings.IN_CLOUD)
    return [message for message in found if not message.is_silenced()]


def _database() -> Health:
    start = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    took = _took(start)
    name = f"{connection.display_name} {'.'.join(map(str, connection.get_database_version()))}"
    if missing := _missing_migrations():
        return Health(
            *("Database", "bad", "Outdated"),
            f"{name}: {missing} migration{'' if missing == 1 else 's'} not applied.",
            "Bring its tables up to date.",
            "python manage.py prepare",
        )
    size = f", {filesizeformat(database_bytes())}" if database_bytes() else ""
    return Health("Database", "ok", "Answers", f"{name}{size}, in {took}.")


@kept_for(30)
def _missing_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@kept_for(30)
def database_bytes() -> int:
    """Return the size of the database, kept for half a minute; 0 where it has no file yet."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    file = Path(str(connection.settings_dict["NAME"]))
    return file.stat().st_size if file.is_file() else 0


def _cloud_tasks() -> Health:
    start = time.perf_counter()
    queue = settings.CLOUD_TASKS_QUEUE
    endpoint = settings.CLOUD_TASKS_ENDPOINT
    who = f"The local one at {endpoint}" if endpoint else "Google's"
    try:
        found = gateway.get_queue(names.queue_name(queue))
    except NotFound as error:
        return Health(
            *("Cloud Tasks", "bad", "No queue"),
            f"{who} answers: {error}",
            f"The queue {queue} does not exist. Create it on the Queues page, or:",
            f"python manage.py create_queue {queue}",
        )
    except GatewayError as error:
        return Health("Cloud Tasks", "bad", "Away", str(error), *cloud_tasks_mend(error))
    if not found.running:
        text = f"{who} has the queue {queue}, {found.state.lower()}: nothing is dispatched."
        return Health("Cloud Tasks", "warn", "Paused", text, "Resume it on its page.")
    text = f"{who} has the queue {queue}, running; answered in {_took(start)}."
    return Health("Cloud Tasks", "ok", "Answers", text)


def cloud_tasks_mend(error: GatewayError | str) -> tuple[str, str]:
    """Return what to do about Cloud Tasks' own words: a sentence and a command, or two blanks."""
    text = str(error)
    if "NOT_FOUND" in text:
        return "Create the queue.", f"python manage.py create_queue {settings.CLOUD_TASKS_QUEUE}"
    if "PERMISSION_DENIED" in text or "UNAUTHENTICATED" in text:
        return (
            "Let the account of this process create tasks and look at queues.",
            f"gcloud projects add-iam-policy-binding {settings.GOOGLE_CLOUD_PROJECT} "
            "--member=serviceAccount:ACCOUNT --role=roles/cloudtasks.admin",
        )
    if "credentials" in text:
        return "Give this process an identity.", "gcloud auth application-default login"
    if settings.CLOUD_TASKS_ENDPOINT and "does not answer" in text:
        return "Start the local Cloud Tasks.", "python manage.py runemulator"
    return "", ""


def _receiver() -> Health:
    parts = urlsplit(settings.RECEIVER_URL)
    url = f"{parts.scheme}://{parts.netloc}/health"
    start = time.perf_counter()
    status, _, why = _get(url)
    mend = "Cloud Tasks reaches it by RECEIVER_URL. Look from here:"
    if not status:
        text = f"{url} cannot be reached from here: {why}."
        return Health("Receiver", "bad", "Away", text, mend, f"curl -i {url}")
    if status == 200:
        return Health("Receiver", "ok", "Answers", f"{url} answered in {_took(start)}.")
    if status in (401, 403):
        text = f"{url} answers {status}: it is there, and lets in only who may call it."
        return Health("Receiver", "ok", "Private", text)
    text = f"{url} answers {status}, not 200."
    return Health("Receiver", "bad", "Another", text, mend, f"curl -i {url}")


def _certificates() -> Health:
    name, url = "Certificates", settings.OIDC_CERTS_URL
    if settings.RECEIVER_AUTH != "verify":
        text = f"Not needed: RECEIVER_AUTH is {settings.RECEIVER_AUTH}."
        return Health(name, "quiet", "Not used", text)
    start = time.perf_counter()
    status, body, why = _get(url)
    mend = Refusal(reason=Refusal.Reason.KEYS_UNREACHABLE).mend
    if status != 200:
        text = f"{url} {f'answers {status}' if status else f'cannot be reached: {why}'}."
        return Health(name, "bad", "Away", text, mend.text, mend.command)
    try:
        keys = json.loads(body)
    except ValueError:
        keys = None
    if not isinstance(keys, dict) or not keys:
        text = f"{url} is no JSON object of key ids and certificates."
        return Health(name, "bad", "Unreadable", text, mend.text, mend.command)
    count = f"{len(keys)} key{'' if len(keys) == 1 else 's'}"
    return Health(name, "ok", "Answers", f"{url} has {count}; answered in {_took(start)}.")


@kept_for(3)
def _get(url: str) -> tuple[int, bytes, str]:
    """Return status, body and, where nobody answered (status 0), why."""
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1"):
        handlers.append(urllib.request.ProxyHandler({}))
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=SECONDS) as answer:
            return answer.status, answer.read(MOST_BYTES), ""
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, b"", ""
    except (OSError, HTTPException, ValueError) as error:
        return 0, b"", str(getattr(error, "reason", error)) or type(error).__name__


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Neither Cloud Tasks nor the receiver follows one."""

    def redirect_request(self, *args: object) -> None:
        return None


def _took(start: float) -> str:
    milliseconds = 1000 * (time.perf_counter() - start)
    return f"{milliseconds:.0f} ms" if milliseconds >= 1 else "under 1 ms"
