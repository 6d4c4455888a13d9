"""Secrets that a laptop makes for itself once and keeps in VAR_DIR, readable by its owner only."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def kept_secret(path: Path, length: int) -> str:
    """Return the secret kept in `path`, made of `length` random bytes the first time.

    Two processes that start together agree: whoever links the finished file first wins. Raises
    ImproperlyConfigured with a sentence where the folder cannot be written.
    """
    try:
        return _kept(path, length)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{path} cannot be kept ({error.strerror}): VAR_DIR must name a folder to write to."
        ) from error


def _kept(path: Path, length: int) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(length))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()
