"""Counts events ahead, for dashboards that nobody looks at for long."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from dashboard import rollup

PAUSE = 0.02  # seconds, in which SQLite's lock is the receiver's


class Command(BaseCommand):
    help = (
        "Count the events that the overview's figures do not have yet, in small bites beside "
        "running deliveries. The pages do so as well, a little at each look; run it before the "
        "first look at a large table, or now and then where days pass between two looks."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--again",
            action="store_true",
            help="forget what is counted first, where an older version may have counted beside "
            "this one",
        )

    def handle(self, *, again: bool, **options: Any) -> None:
        counted = 0
        try:
            if again:
                rollup.forget()
            while found := rollup.advance():
                counted += found
                time.sleep(PAUSE)
        except DatabaseError as error:
            raise CommandError(
                f"The database gave up ({error}). What is counted stays counted; run it again."
            ) from error
        self.stdout.write(f"{counted} events counted.")
