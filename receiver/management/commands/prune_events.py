"""Retention: what is older than so many days goes, or what is not among the newest so many."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from receiver.models import Event
from receiver.models.retention import KEPT, MOST_DAYS, MOST_KEPT, border, older, prune


def whole(what: str, most: int) -> Callable[[str], int]:
    """Return what reads a number from 1; it raises ArgumentTypeError with a sentence."""

    def read(text: str) -> int:
        if text.isascii() and text.isdigit() and 1 <= int(text[:12]) <= most:
            return int(text)
        raise ArgumentTypeError(f"a whole number of {what} from 1 to {most}, not {text!r}")

    return read


class Command(BaseCommand):
    help = (
        "Delete events that are older than N days or not among the newest N, and refusals by age, "
        "counted first. Deliveries go on meanwhile, and it can be stopped at any time: what is "
        "deleted so far stays deleted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=whole("days", MOST_DAYS), metavar="N")
        parser.add_argument(
            "--keep",
            type=whole("events", MOST_KEPT),
            metavar="N",
            help="delete events that are not among the newest N",
        )
        parser.add_argument("--dry-run", action="store_true", help="count, delete nothing")

    def handle(self, *, days: int | None, keep: int | None, dry_run: bool, **options: Any) -> None:
        if not days and not keep:
            raise CommandError("Say what is to go: --days N, --keep N, or both.")
        now = timezone.now()
        try:
            for model, field in KEPT:
                instant = border(now, days, keep if model is Event else None)
                if instant is None:
                    continue
                rows = older(model, field, instant)
                name = str(model._meta.verbose_name_plural)
                found = f"{rows.count()} {name} from before {instant:%Y-%m-%d %H:%M} UTC"
                if dry_run:
                    self.stdout.write(f"{found} would go.")
                    continue
                self.stdout.write(f"{found} go.")
                self.stdout.write(f"{sum(prune(rows))} {name} deleted.")
        except DatabaseError as error:
            raise CommandError(
                f"The database gave up ({error}). What is deleted stays deleted; run it again."
            ) from error
