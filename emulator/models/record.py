"""Small records beside the queues: policies, CMEK settings, and operations that have ended."""

from datetime import datetime

from django.db import models

from .queue import Queue


class Policy(models.Model):
    """The IAM policy of one queue as it was set; it is kept and never asked."""

    queue = models.OneToOneField(Queue, models.CASCADE)
    message = models.BinaryField()  # a serialized google.iam.v1.Policy with its etag

    class Meta:
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return f"policy of {self.queue}"


class CmekConfig(models.Model):
    """The key that a location's tasks are said to be encrypted with; nothing is."""

    parent = models.CharField(max_length=400, unique=True)
    kms_key = models.CharField(max_length=1000)

    def __str__(self) -> str:
        return f"{self.parent}/cmekConfig"


class OperationQuerySet(models.QuerySet["LongOperation"]):
    """States of operations as words."""

    def older_than(self, instant: datetime) -> "OperationQuerySet":
        """Return operations that ended before `instant`."""
        return self.filter(ended_at__lt=instant)


class LongOperation(models.Model):
    """A batch that was run: what GetOperation answers, and what a repeated request gets."""

    name = models.CharField(max_length=1000, unique=True)
    message = models.BinaryField()  # a serialized google.longrunning.Operation
    ended_at = models.DateTimeField(db_index=True)

    objects = OperationQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
