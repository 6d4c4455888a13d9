"""`gcloud tasks queues create` for a machine without gcloud."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboard import gateway
from dashboard.errors import GatewayError
from dashboard.forms import sentences
from dashboard.queue_forms import NewQueueForm, QueueForm


class Command(BaseCommand):
    help = "Create a queue and print its full name. Durations are seconds, as 2.5 or 2.5s."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="short id or full name")
        parser.add_argument("--location", default="", help="where NAME is a short id")
        for name, field in QueueForm.base_fields.items():
            option = f"--{name.replace('_', '-')}"
            parser.add_argument(option, dest=name, metavar="N", help=str(field.help_text))

    def handle(self, **options: Any) -> None:
        form = NewQueueForm(options, location=options["location"])
        if not form.is_valid():
            options = {name: name.replace("_", "-") for name in QueueForm.base_fields}
            raise CommandError(sentences(form, options))
        try:
            queue = gateway.create_queue(form.cleaned_data["name"], form.limits)
        except GatewayError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(queue.name)
