"""What the receiver keeps of the requests it turned away: one Refusal a minute and reason."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from .. import mends


class RefusalManager(models.Manager["Refusal"]):
    """Counts refusals; strangers must not be able to fill the disk with them."""

    KEPT = 2000

    def count_more(
        self, reason: str, number: int = 1, *, queue: str, task: str, account: str, audience: str
    ) -> bool:
        """Count refusals in this minute's row; returns whether it made the row.

        The claims are the last ones. A new row pushes out all but the newest 2,000.
        """
        row: dict[str, Any] = {
            "reason": reason,
            "minute": timezone.now().replace(second=0, microsecond=0),
        }
        counted = {
            "count": models.F("count") + number,
            "queue": queue[:100],
            "task": task[:500],
            "account": account[:320],
            "audience": audience[:500],
        }
        if self.filter(**row).update(**counted):
            return False
        created = self.get_or_create(**row)[1]
        self.filter(**row).update(**counted)
        if created:
            self._prune()
        return created

    def _prune(self) -> None:
        newest = self.order_by("-id").values_list("id", flat=True)
        for last in newest[self.KEPT : self.KEPT + 1]:
            self.filter(id__lte=last).delete()


class Refusal(models.Model):
    """How often one reason turned requests away in one minute, and what the last one claimed."""

    class Reason(models.TextChoices):
        MISSING = "missing", "No token"
        MALFORMED = "malformed", "Not a bearer token of the right form"
        SIGNATURE_REMOVED = "signature-removed", "Signature removed by Cloud Run"
        KEY = "key", "Signed with an unknown key or another algorithm"
        SIGNATURE = "signature", "Signature does not match"
        EXPIRED = "expired", "Expired, or not valid yet"
        LIFETIME = "lifetime", "Valid for over an hour"
        ISSUER = "issuer", "Token of another issuer"
        AUDIENCE = "audience", "Token for another audience"
        ACCOUNT = "account", "Token of another account"
        EMAIL_UNVERIFIED = "email-unverified", "Account not verified by the issuer"
        KEYS_UNREACHABLE = "keys-unreachable", "Certificates could not be fetched"
        TOO_LARGE = "too-large", "Body over the limit"
        TRUNCATED = "truncated", "Body shorter than announced"
        LENGTH_REQUIRED = "length-required", "Body of unknown length"
        HOST = "host", "Sent to a host that is not in ALLOWED_HOSTS"

    reason = models.CharField(max_length=20, choices=Reason.choices)
    minute = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)
    queue = models.CharField(max_length=100, blank=True)
    task = models.CharField(max_length=500, blank=True)
    account = models.CharField(max_length=320, blank=True)
    audience = models.CharField(max_length=500, blank=True)

    objects = RefusalManager()

    class Meta:
        ordering = ["-minute", "reason"]
        constraints = [
            models.UniqueConstraint(fields=["reason", "minute"], name="refusal_reason_minute")
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}: {self.count}"

    @property
    def cause(self) -> str:
        """What the sender was told."""
        from ..refusals import ANSWERS  # which is made of this model

        return ANSWERS[self.Reason(self.reason)][1]

    @property
    def mend(self) -> mends.Mend:
        """What to do about it, with this process's settings."""
        facts = {
            "url": settings.RECEIVER_URL,
            "account": settings.OIDC_SERVICE_ACCOUNT,
            "issuer": settings.OIDC_ISSUER,
            "certs_url": settings.OIDC_CERTS_URL,
        }
        return mends.mend(self.reason, facts, service=settings.K_SERVICE)
