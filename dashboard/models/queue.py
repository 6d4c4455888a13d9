"""The queues as the admin's permissions and log know them."""

from django.db import models


class Queue(models.Model):
    """No table: the queues are Cloud Tasks' own. `change` is to create, edit, pause and resume."""

    class Meta:
        managed = False
        default_permissions = ("view", "change")
        permissions = [("purge_queue", "Can purge queue")]

    def __str__(self) -> str:
        return "a queue"
