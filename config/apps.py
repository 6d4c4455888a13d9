"""The wiring's own app: it holds the checks that look at settings as a whole."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from . import checks  # noqa: F401  registers itself
