"""The dashboard app: the staff's window on both ends of a task."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"
    verbose_name = "Tasks sent"

    def ready(self) -> None:
        from . import checks  # noqa: F401  registers itself
