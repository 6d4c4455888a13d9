"""Runs the local Cloud Tasks until it is told to stop."""

import logging
import os
import resource
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from emulator.flags import add_flags, server_options

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Command(BaseCommand):
    help = "A local Cloud Tasks: any Cloud Tasks client, in any language, can be pointed at it."
    requires_system_checks = ()  # the web's own; those of this app are run below

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say what can be set."""
        add_flags(parser)

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
        emulator = Emulator(_checked(options), on_end=end.set)
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


def _checked(options: dict[str, Any]) -> Any:
    from emulator.ports import StartFailed

    try:
        return server_options(options)
    except (StartFailed, ValueError) as failure:
        raise CommandError(str(failure)) from None


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
