"""The receiver in the admin: facts to browse, replies to give."""

from . import facts, replies  # noqa: F401  register themselves
