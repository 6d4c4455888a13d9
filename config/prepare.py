"""What a laptop, or a container without a cloud, needs first: tables and a user."""

import os
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections

from config.secret import kept_secret


def prepare() -> tuple[str, bool]:
    """Migrate every database, make the admin user; return how to log in, and if that is news.

    The password is DJANGO_SUPERUSER_PASSWORD, or a random one kept in VAR_DIR/admin-password.
    """
    for alias in settings.DATABASES:
        let_it_take_its_time(alias)
        call_command("migrate", database=alias, interactive=False, verbosity=0)
    users = get_user_model().objects.count()
    line = log_in_line(*admin_user())
    news = get_user_model().objects.count() > users
    connections.close_all()
    return line, news


def let_it_take_its_time(alias: str) -> None:
    """Lift the limit of 10 seconds for one statement: an index on a large table takes longer.

    The limit for a lock stays: who would hold up deliveries gives up, and is run again.
    """
    connection = connections[alias]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")


def admin_user() -> tuple[User, str, str]:
    """Return the admin, the password to use, and where that is kept ("" where nobody knows it)."""
    name = os.environ.get("DJANGO_SUPERUSER_USERNAME") or "admin"
    given = os.environ.get("DJANGO_SUPERUSER_PASSWORD", "")
    kept = Path(settings.VAR_DIR) / "admin-password"
    user = get_user_model().objects.filter(username=name).first()
    if given:
        if user is None or not (user.is_superuser and user.check_password(given)):
            user = set_admin(user, name, given)
        return user, given, "DJANGO_SUPERUSER_PASSWORD"
    if user is None:
        return set_admin(user, name, kept_secret(kept, 12)), kept.read_text(), str(kept)
    if kept.exists() and user.check_password(kept.read_text()):
        return user, kept.read_text(), str(kept)
    return user, "", ""


def set_admin(user: User | None, name: str, password: str) -> User:
    """Make the user, or give the one that is there this password."""
    if user is None:
        return get_user_model().objects.create_superuser(name, "", password)
    user.set_password(password)
    user.is_staff = user.is_superuser = user.is_active = True
    user.save(update_fields=["password", "is_staff", "is_superuser", "is_active"])
    return user


def log_in_line(user: User, password: str, source: str) -> str:
    """Say who to log in as; a password that came from outside is named, not repeated."""
    if not source:
        return f"{user.username}, with the password you set (another: manage.py changepassword)"
    if source == "DJANGO_SUPERUSER_PASSWORD":
        return f"{user.username}, with the password in {source}"
    inside = Path(source).is_relative_to(Path.cwd())
    shown = os.path.relpath(source) if inside else source
    return f"{user.username} / {password}   (kept in {shown})"
