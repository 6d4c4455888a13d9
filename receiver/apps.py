"""The receiver as a Django app: the HTTP target of Cloud Tasks."""

from django.apps import AppConfig


class ReceiverConfig(AppConfig):
    name = "receiver"

    def ready(self) -> None:
        """Register the system checks."""
        from . import checks  # noqa: F401  registers itself
