"""`manage.py prepare`: what a new or upgraded database needs before the first request."""

from typing import Any

from django.core.management.base import BaseCommand

from config.prepare import prepare


class Command(BaseCommand):
    help = (
        "Migrates the database and makes the admin user, or gives it the password of "
        "DJANGO_SUPERUSER_PASSWORD; safe to run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        line, _ = prepare()
        self.stdout.write(f"Log in as {line}")
