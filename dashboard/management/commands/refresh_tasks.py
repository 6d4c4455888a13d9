"""Asks what became of the tasks that nobody is looking at."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboard.models import SentTask
from dashboard.refresh import refresh

BATCH = 100


class Command(BaseCommand):
    help = "Bring the states of all unfinished tasks up to date."

    def handle(self, **options: Any) -> None:
        asked = finished = last = 0
        while True:
            tasks = SentTask.objects.light().unfinished().filter(id__gt=last).order_by("id")[:BATCH]
            batch = list(tasks)
            if not batch:
                break
            trouble = refresh(batch, limit=BATCH)
            if trouble:
                raise CommandError(trouble)
            asked += len(batch)
            finished += sum(1 for task in batch if task.ended_at)
            last = batch[-1].pk
        self.stdout.write(f"{asked} asked about, {finished} of them finished.")
