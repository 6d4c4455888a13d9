"""Keeps the emulator's tables in a database of their own, so that neither waits for the other."""

from django.db.models import Model


class EmulatorRouter:
    """Sends every model of the `emulator` app to the `emulator` database and nothing else."""

    def db_for_read(self, model: type[Model], **hints: object) -> str | None:
        return "emulator" if model._meta.app_label == "emulator" else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return (db == "emulator") == (app_label == "emulator")
