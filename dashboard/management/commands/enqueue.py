"""`gcloud tasks create-http-task` for a machine without gcloud; for one task or a file of them."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from dashboard import jsonl
from dashboard.drafts import Draft
from dashboard.errors import GatewayError, UnknownOutcome
from dashboard.forms import EnqueueForm, sentences
from dashboard.jsonl import OPTIONS
from dashboard.models import SentTask


class Command(BaseCommand):
    help = (
        "Create a task and print its full name. Times are UTC where no offset is given. A task "
        "for RECEIVER_URL carries a token of OIDC_SERVICE_ACCOUNT unless another account, or an "
        "empty one, is given."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--queue", default=settings.CLOUD_TASKS_QUEUE, help="short id or full name")
        add("--location", default="", help="where --queue is a short id (default: the setting)")
        add("--url", default=settings.RECEIVER_URL, help="the target (default: RECEIVER_URL)")
        add("--method", default="POST")
        add("--header", action="append", default=[], metavar="'NAME: VALUE'", help="repeatable")
        body = parser.add_mutually_exclusive_group()
        body.add_argument("--body-content", metavar="TEXT")
        body.add_argument("--body-file", metavar="FILE", help="- reads standard input")
        add("--schedule-time", default="", metavar="TIME", help="2026-11-24T09:00:00Z")
        add("--name", default="", help="the task's id (default: a random one)")
        add("--oidc-service-account-email", metavar="EMAIL", help="empty for no token")
        add("--oidc-token-audience", default="", metavar="AUDIENCE")
        add("--jsonl", metavar="FILE", help="one JSON object a line, its keys named as the options")

    def handle(self, **options: Any) -> None:
        values = self._from_options(options)
        if not options["jsonl"]:
            self._send(*self._check(values, options["location"]))
            return
        # All are checked before the first is sent: a bad line must not leave half a file sent.
        lines = [
            (where, *self._check(values | line, options["location"], where))
            for where, line in _lines(options["jsonl"])
        ]
        for where, draft, random_name in lines:
            self._send(draft, random_name, where)

    def _from_options(self, options: dict[str, Any]) -> dict[str, Any]:
        body = (options["body_content"] or "").encode("utf-8", "surrogateescape")
        if options["body_file"]:
            body = _read(options["body_file"])
        values = {
            "queue": options["queue"],
            "url": options["url"],
            "method": options["method"],
            "headers": options["header"],
            "body": body,
            "schedule_time": options["schedule_time"],
            "name": options["name"],
            "audience": options["oidc_token_audience"],
        }
        if options["oidc_service_account_email"] is not None:
            values["account"] = options["oidc_service_account_email"]
        return values

    def _check(self, values: dict[str, Any], location: str, where: str = "") -> tuple[Draft, bool]:
        if any("\n" in header or "\r" in header for header in values["headers"]):
            raise CommandError(f"{where}--header: A header is one line.")
        if field := next((name for name, value in values.items() if _is_garbled(value)), None):
            option = OPTIONS.get(field, "oidc-token-audience")
            raise CommandError(f"{where}--{option}: Not valid UTF-8 text.")
        data = values | {"headers": "\n".join(values["headers"])}
        body, audience = data.pop("body"), data.pop("audience")
        form = EnqueueForm(data, body=body, audience=audience, location=location)
        if not form.is_valid() or not form.draft:
            raise CommandError(where + sentences(form, OPTIONS))
        return form.draft, not values["name"]

    def _send(self, draft: Draft, random_name: bool, where: str = "") -> None:
        key = EnqueueForm.base_fields["submission"].initial()
        sent, _ = SentTask.objects.prepare(draft, key, random_name=random_name)
        try:
            sent.send()
        except UnknownOutcome as error:
            raise CommandError(f"{where}{draft.name} may exist: {error}") from error
        except GatewayError as error:
            raise CommandError(f"{where}{error}") from error
        self.stdout.write(draft.name)


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from error


def _lines(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each line's values with the words that say where an error is."""
    for number, line in enumerate(_read(name).splitlines(), start=1):
        if line.strip():
            where = f"Line {number}: "
            yield where, _values(line, where)


def _values(line: bytes, where: str) -> dict[str, Any]:
    try:
        found = jsonl.values(line)
    except ValidationError as error:
        raise CommandError(f"{where}{error.messages[0]}") from error
    try:
        return found | ({"body": found["body"].encode()} if "body" in found else {})
    except UnicodeEncodeError as error:
        raise CommandError(f"{where}--{OPTIONS['body']}: Half a surrogate pair.") from error


def _is_garbled(value: Any) -> bool:
    """Say whether a text holds half a surrogate pair, as bytes that are no UTF-8 become."""
    if isinstance(value, bytes):
        return False
    return any("\ud800" <= sign <= "\udfff" for sign in "".join(value))
