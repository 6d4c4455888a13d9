"""Mistakes in the emulator's settings, found before it starts."""

import re
from collections.abc import Iterable

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:\d{1,5})?")


@register("emulator")
def targets_are_hosts(
    app_configs: Iterable[AppConfig] | None, **kwargs: object
) -> list[CheckMessage]:
    """Every EMULATOR_TARGETS entry must be `host` or `host:port`."""
    wrong = [each for each in settings.EMULATOR_TARGETS if not _HOST.fullmatch(each)]
    return [
        Error(
            f"EMULATOR_TARGETS names {each!r}, which is no host.",
            hint="Write host or host:port, several with commas: web,reports:8080.",
            id="emulator.E001",
        )
        for each in wrong
    ]


@register("emulator")
def database_is_its_own(
    app_configs: Iterable[AppConfig] | None, **kwargs: object
) -> list[CheckMessage]:
    """On SQLite, one file for web and emulator makes each wait for the other's commits."""
    mine, default = (settings.DATABASES.get(alias) for alias in ("emulator", "default"))
    if not mine or not default or mine["NAME"] != default["NAME"]:
        return []
    if not mine["ENGINE"].endswith("sqlite3"):
        return []
    return [
        Warning(
            "The emulator and the web share one SQLite file, so each waits for the other.",
            hint="Leave EMULATOR_DATABASE_URL unset, or name another file.",
            id="emulator.W001",
        )
    ]
