"""What the emulator holds, to be looked at and not touched: the API is the way to change it."""

from typing import Any

from django.contrib import admin
from django.db.models import BinaryField, Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Substr
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .attempt_admin import AttemptInline
from .look_only import BoundedPaginator, LookOnly, shown
from .models import Queue, Task

SHOWN_BYTES = 1024


@admin.register(Queue)
class QueueAdmin(LookOnly, admin.ModelAdmin):
    """Queues with their limits and how many tasks they hold."""

    list_display = (
        "name",
        "state",
        "live_tasks",
        "max_dispatches_per_second",
        "max_concurrent_dispatches",
        "max_attempts",
        "min_backoff",
        "max_backoff",
        "deleted_at",
    )
    list_filter = ("state", ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("name",)
    exclude = ("rest",)
    readonly_fields = ("live_tasks", "max_burst_size")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Queue]:
        """Count live tasks in the same query, through the index that holds only those."""
        live = Task.objects.live().filter(queue=OuterRef("pk")).order_by().values("queue")
        counted = Subquery(live.annotate(n=Count("pk")).values("n"), output_field=IntegerField())
        return super().get_queryset(request).annotate(live=Coalesce(counted, 0))

    @admin.display(description="live tasks", ordering="live")
    def live_tasks(self, queue: Any) -> int:
        """Return how many tasks wait or run."""
        return int(queue.live)


@admin.register(Task)
class TaskAdmin(LookOnly, admin.ModelAdmin):
    """Tasks that wait, run or have ended, with their attempts."""

    list_display = (
        "short_name",
        "queue",
        "method",
        "url",
        "fate",
        "dispatch_count",
        "previous_response",
        "schedule_time",
        "ended_at",
    )
    list_filter = ("outcome", "queue")
    list_select_related = ("queue",)
    search_fields = ("short_name__exact",)
    search_help_text = "The task's whole short id"
    show_full_result_count = False
    paginator = BoundedPaginator
    inlines = (AttemptInline,)
    fields = readonly_fields = (
        "name",
        "fate",
        "method",
        "url",
        "sent_body",
        "create_time",
        "schedule_time",
        "dispatch_deadline",
        "dispatch_count",
        "response_count",
        "first_dispatch_time",
        "last_dispatch_time",
        "previous_response",
        "ended_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        """Leave what lists do not show in the database."""
        start = Substr("body", 1, SHOWN_BYTES, output_field=BinaryField())
        rows = super().get_queryset(request).select_related("queue").defer("body", "spec")
        return rows.annotate(body_start=start) if self._shows_one(request) else rows

    @admin.display(description="outcome", ordering="outcome")
    def fate(self, task: Task) -> str:
        """Return the outcome, or what the task is waiting for."""
        return task.get_outcome_display() or task.state

    @admin.display(description="body")
    def sent_body(self, task: Any) -> SafeString:
        """Return the first KiB of what is sent, as inert text."""
        return format_html("<pre>{}</pre>", shown(bytes(task.body_start or b"")))

    def _shows_one(self, request: HttpRequest) -> bool:
        match = request.resolver_match
        return bool(match and match.url_name and match.url_name.endswith("_change"))
