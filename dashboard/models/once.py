"""One-time keys of acts, so that a button pressed twice acts once."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

KEPT = timedelta(days=1)


class OnceManager(models.Manager["Once"]):
    """Claims keys; each is kept for a day."""

    def claim(self, key: str) -> bool:
        """Say whether this key comes for the first time; whoever gets True does the act."""
        self.filter(at__lt=timezone.now() - KEPT).delete()
        return self.get_or_create(key=key[:200])[1]

    def give_back(self, key: str) -> None:
        """Let the act be done again: nothing has come of it."""
        self.filter(key=key[:200]).delete()


class Once(models.Model):
    """An act that was done, by the key of its form."""

    key = models.CharField(max_length=200, unique=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = OnceManager()

    def __str__(self) -> str:
        return self.key
