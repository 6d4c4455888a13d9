"""Forms that were saved to be sent again: one Template each, shared by all staff."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from ..drafts import Draft
from ..names import short


class TemplateQuerySet(models.QuerySet["Template"]):
    """The order in which templates are offered."""

    def recent(self) -> "TemplateQuerySet":
        """The last used first, without the columns that can be large."""
        return self.defer("body", "headers").order_by("-used_at", "-id")


class Template(models.Model):
    """An enqueue form without a task's name and time, which are of one task; exact bytes."""

    title = models.CharField(max_length=100, unique=True)
    queue = models.CharField(max_length=300)
    url = models.CharField(max_length=2083)
    method = models.CharField(max_length=10)
    headers = models.JSONField(default=list, blank=True)  # [[name, value], ...]
    body = models.BinaryField(default=b"")
    account = models.CharField(max_length=320, blank=True)
    recipe = models.CharField(max_length=40, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    used_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TemplateQuerySet.as_manager()

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

    @property
    def queue_id(self) -> str:
        return short(self.queue)

    @classmethod
    def of(cls, draft: Draft, title: str, recipe: str, by: Any) -> "Template":
        """Return an unsaved template of a checked form."""
        return cls(
            title=title,
            headers=[list(pair) for pair in draft.headers],
            recipe=recipe,
            created_by=by,
            **{
                name: getattr(draft, name) for name in ("queue", "url", "method", "body", "account")
            },
        )
