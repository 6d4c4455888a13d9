"""The same settings for `manage.py runemulator`: a process of its own, with no web app in it."""

from .settings import *  # noqa: F403
from .settings import INSTALLED_APPS as _ALL

INSTALLED_APPS = [app for app in _ALL if app == "emulator"]
