"""Runs the local Cloud Tasks until it is told to stop."""

import logging
import os
import resource
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Command(BaseCommand):
    help = "A local Cloud Tasks: any Cloud Tasks client, in any language, can be pointed at it."
    requires_system_checks = ()  # the web's own; those of this app are run below

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say what can be set; the defaults come from the settings."""
        parser.add_argument("--host", default=settings.EMULATOR_HOST)
        parser.add_argument("--port", type=int, default=settings.EMULATOR_PORT, help="gRPC")
        parser.add_argument(
            "--http-port",
            type=int,
            default=settings.EMULATOR_HTTP_PORT,
            help="certificates, OIDC discovery, health; a port of 0 is any free one",
        )
        parser.add_argument(
            "--queue",
            action="append",
            default=[],
            metavar="NAME",
            help="make this queue if it does not exist: a short id or a full name; repeatable",
        )
        parser.add_argument(
            "--task-tombstone",
            type=float,
            default=3600.0,
            metavar="SECONDS",
            help="how long the name of an ended task rests (3600)",
        )
        parser.add_argument(
            "--queue-cooldown",
            type=float,
            default=604800.0,
            metavar="SECONDS",
            help="how long the name of a deleted queue rests (604800)",
        )
        parser.add_argument(
            "--keep-ended",
            type=float,
            default=86400.0,
            metavar="SECONDS",
            help="how long ended tasks and their attempts can be looked at (86400)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Start, say where it listens, and wait for SIGTERM or SIGINT."""
        # Imported here: gRPC and Google's client take a second that no other command needs.
        from emulator.errors import Refused
        from emulator.ports import StartFailed
        from emulator.server import Emulator

        self.check(tags=["emulator"])
        _allow_many_connections()
        if options["verbosity"] >= 2:
            logging.getLogger("emulator").setLevel(logging.INFO)
        if options["host"] not in _LOOPBACK:
            self.stderr.write(f"Warning: anyone who reaches {options['host']} can send tasks.")
        end = _until_told()
        emulator = Emulator(self._options(options), on_end=end.set)
        try:
            with emulator:
                self.stdout.write(
                    f"Emulator ready: gRPC {emulator.endpoint}, HTTP {emulator.http_url}"
                )
                self.stdout.flush()
                end.wait()
                failed = not emulator.alive
        except (StartFailed, Refused) as failure:
            raise CommandError(str(failure)) from None
        if failed:
            raise CommandError("The emulator stopped by itself; its log says why.")

    def _options(self, options: dict[str, Any]) -> Any:
        from datetime import timedelta

        from emulator.methods import Windows
        from emulator.names import full_queue_name
        from emulator.server import Options

        project, location = settings.GOOGLE_CLOUD_PROJECT, settings.CLOUD_TASKS_LOCATION
        return Options(
            host=options["host"],
            port=options["port"],
            http_port=options["http_port"],
            queues=[full_queue_name(name, project, location) for name in options["queue"]],
            issuer=settings.OIDC_ISSUER if os.environ.get("OIDC_ISSUER", "").strip() else "",
            windows=Windows(
                timedelta(seconds=options["task_tombstone"]),
                timedelta(seconds=options["queue_cooldown"]),
            ),
            keep_ended=timedelta(seconds=options["keep_ended"]),
        )


def _allow_many_connections() -> None:
    """A queue may have 5000 requests out, and the usual limit is 1024 open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _until_told() -> threading.Event:
    """Return an event that SIGTERM or SIGINT sets; a second Ctrl-C ends the process at once.

    A SIGTERM after it does not: a launcher sends one to whom the terminal has told already.
    """
    end = threading.Event()

    def stop(number: int, frame: object) -> None:
        if end.is_set() and number == signal.SIGINT:
            os._exit(1)
        end.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return end
