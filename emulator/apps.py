"""The emulator as a Django app: its tables, its admin pages and the command that starts it."""

from django.apps import AppConfig


class EmulatorConfig(AppConfig):
    """A local Cloud Tasks; take it out of INSTALLED_APPS and the rest works on Google's."""

    name = "emulator"
    verbose_name = "Local Cloud Tasks"

    def ready(self) -> None:
        """Register the system checks."""
        from . import checks  # noqa: F401
