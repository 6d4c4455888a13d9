"""The receiver as a Django app: the HTTP target of Cloud Tasks."""

from django.apps import AppConfig


class ReceiverConfig(AppConfig):
    name = "receiver"

    def ready(self) -> None:
        """Register the system checks."""
        from . import checks, store_checks  # noqa: F401  register themselves
