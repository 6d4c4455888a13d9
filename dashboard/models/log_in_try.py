"""Tries to log in, counted so that passwords cannot be guessed at speed."""

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

WINDOW = timedelta(minutes=15)


class LogInTryManager(models.Manager["LogInTry"]):
    """Counts by key; rows are few, since strangers must not be able to fill the disk."""

    KEPT = 10_000

    def take(self, key: str, most: int) -> bool:
        """Count one try of this key; says whether it is within `most` of the last 15 minutes."""
        digest = _digest(key)
        now = timezone.now()
        self.filter(since__lte=now - WINDOW).delete()
        if self.get_or_create(key=digest, defaults={"since": now})[1]:
            self._prune()
        self.filter(key=digest).update(count=models.F("count") + 1)
        return not self.filter(key=digest, count__gt=most).exists()

    def forget(self, account: str, address: str) -> None:
        """Take a success out: the account's count begins anew, the address's is one less."""
        self.filter(key=_digest(account)).delete()
        self.filter(key=_digest(address), count__gt=0).update(count=models.F("count") - 1)

    def _prune(self) -> None:
        newest = self.order_by("-id").values_list("id", flat=True)
        for last in newest[self.KEPT : self.KEPT + 1]:
            self.filter(id__lte=last).delete()


def _digest(key: str) -> str:
    return salted_hmac("dashboard.log-in", key).hexdigest()


class LogInTry(models.Model):
    """How often one key (an address, or an account at an address) was tried since a moment."""

    key = models.CharField(max_length=64, unique=True)
    since = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=0)

    objects = LogInTryManager()

    def __str__(self) -> str:
        return f"{self.count} since {self.since}"
