"""Sends a batch that was begun on its page, for whoever does not want to keep that page open."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboard.models import Batch
from dashboard.sending import send_slice

# While Cloud Tasks is away it is asked again after 1 s, then 2, 4, 8, and every 15.
FIRST_WAIT, LONGEST_WAIT = 1.0, 15.0
OTHERS = 0.5  # seconds until those who have the last rows are looked at again


class Command(BaseCommand):
    help = (
        "Send what is left of a batch. It has been begun on its page; beside that page, or a "
        "second one of these, nothing is sent twice. Ends when nothing is left or it is stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("batch", type=int, metavar="ID", help="the number in the page's title")
        parser.add_argument("--resume", action="store_true", help="go on if it was stopped")

    def handle(self, **options: Any) -> None:
        batch = Batch.objects.filter(pk=options["batch"]).first()
        if batch is None:
            raise CommandError(f"There is no batch {options['batch']}.")
        if options["resume"]:
            batch.resume()
        self._refuse(batch)
        wait = FIRST_WAIT
        while batch.state == Batch.State.SENDING:
            before = batch.done
            trouble = send_slice(batch)
            self.stdout.write(self._line(batch, trouble))
            if batch.state != Batch.State.SENDING:
                break
            if trouble:
                time.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
            else:
                wait = FIRST_WAIT
                time.sleep(OTHERS if batch.done == before else 0)
        if batch.state == Batch.State.STOPPED:
            raise CommandError(f"Stopped. {batch.stopped_by}".strip())

    def _refuse(self, batch: Batch) -> None:
        if batch.state in Batch.UNSENT:
            raise CommandError(f"{batch} has not been begun: press Send on its page first.")
        if batch.state == Batch.State.STOPPED:
            raise CommandError(f"{batch} was stopped: resume it on its page, or with --resume.")
        if batch.state == Batch.State.FINISHED:
            self.stdout.write(self._line(batch, ""))

    @staticmethod
    def _line(batch: Batch, trouble: str) -> str:
        line = f"{batch}: {batch.sent:,} sent, {batch.failed:,} failed, {batch.left:,} left"
        if batch.unclear:
            line += f", {batch.unclear:,} unclear"
        return f"{line}. {trouble}" if trouble else f"{line}."
