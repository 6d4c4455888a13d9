"""Retention: events and refusals older than so many days go."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from receiver.retention import KEPT, older, prune

MOST_DAYS = 36_500


def days(text: str) -> int:
    """Return a number of days from 1; raises ArgumentTypeError with a sentence."""
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_DAYS:
        return int(text)
    raise ArgumentTypeError(f"a whole number of days from 1 to {MOST_DAYS}, not {text!r}")


class Command(BaseCommand):
    help = (
        "Delete events and refusals that are older than N days, counted first. Deliveries go on "
        "meanwhile, and it can be stopped at any time: what is deleted so far stays deleted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=days, required=True, metavar="N")
        parser.add_argument("--dry-run", action="store_true", help="count, delete nothing")

    def handle(self, *, days: int, dry_run: bool, **options: Any) -> None:
        instant = timezone.now() - timedelta(days=days)
        try:
            for model, field in KEPT:
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
