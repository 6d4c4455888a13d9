"""Indexing for searches: what a search would else have to do while somebody waits."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from receiver.models import SearchText

ASIDE = 60.0  # seconds between two lines of progress
TRIES = 5
TRIGRAMS = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX IF NOT EXISTS receiver_searchtext_trigrams"
    " ON receiver_searchtext USING gin (text gin_trgm_ops)",
)


class Command(BaseCommand):
    help = (
        "Index the bodies of new events for searches. A search does so by itself, a little at a "
        "time; run this now and then where many events come and few searches are made."
    )

    def handle(self, **options: Any) -> None:
        if connection.vendor == "postgresql":
            self._make_the_index()
        before, idle = None, 0
        while not SearchText.objects.catch_up(ASIDE, patient=True):
            left = SearchText.objects.missing().count()
            idle = idle + 1 if left == before else 0
            if idle == TRIES:
                raise CommandError("Somebody else is at it, or writes all the time; run it again.")
            self.stdout.write(f"{left} events are still to be indexed.")
            before = left
        self.stdout.write("Every event is indexed.")

    def _make_the_index(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 0")
                for sql in TRIGRAMS:
                    cursor.execute(sql)
        except DatabaseError as error:
            self.stderr.write(
                f"No trigram index ({str(error).strip()}). Searches look through the newest events"
                " alone; have an administrator run CREATE EXTENSION pg_trgm in this database."
            )
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET statement_timeout")
