"""Django settings for the emulator without a project around it, as the pytest plugin starts it.

`DJANGO_SETTINGS_MODULE=emulator.alone python -m django runemulator` works in any folder.
"""

import os
from pathlib import Path

VAR_DIR = Path(os.environ.get("VAR_DIR", "var")).absolute()
INSTALLED_APPS = ["emulator"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
# OFF for tests alone: what a crash of the machine loses is then a test's own tasks.
_SYNCHRONOUS = "OFF" if os.environ.get("EMULATOR_SYNCHRONOUS") == "OFF" else "FULL"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": VAR_DIR / "emulator.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
            "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={_SYNCHRONOUS};",
        },
    }
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}

GOOGLE_CLOUD_PROJECT = os.environ.get("GOOGLE_CLOUD_PROJECT", "demo")
CLOUD_TASKS_LOCATION = os.environ.get("CLOUD_TASKS_LOCATION", "us-central1")
OIDC_ISSUER = os.environ.get("OIDC_ISSUER", "")
EMULATOR_HOST = os.environ.get("EMULATOR_HOST", "127.0.0.1")
EMULATOR_PORT = int(os.environ.get("EMULATOR_PORT", "8123"))
EMULATOR_HTTP_PORT = int(os.environ.get("EMULATOR_HTTP_PORT", "8124"))
EMULATOR_ALLOWED_HOSTS = [
    each for each in os.environ.get("EMULATOR_ALLOWED_HOSTS", "").split(",") if each
]
EMULATOR_TARGETS = [each for each in os.environ.get("EMULATOR_TARGETS", "").split(",") if each]
