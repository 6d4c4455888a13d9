"""What the emulator holds, to be looked at and not touched: the API is the way to change it."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import BinaryField, Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Substr
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .models import Attempt, Queue, Task

SHOWN_BYTES = 1024
SHOWN_ATTEMPTS = 100
MOST_COUNTED = 5000


class LookOnly:
    """No adding, changing or deleting."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


class BoundedPaginator(Paginator):
    """Counts up to a few thousand rows and no further, however many there are."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most MOST_COUNTED."""
        rows: Any = self.object_list
        return rows.order_by().values("pk")[:MOST_COUNTED].count()


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


class LatestAttempts(BaseInlineFormSet):
    """The newest attempts of a task that may have very many."""

    def get_queryset(self) -> QuerySet[Any]:
        """Return the newest, without the bulk of their answers' bodies."""
        if not hasattr(self, "_latest"):
            start = Substr("body", 1, SHOWN_BYTES, output_field=BinaryField())
            rows = super().get_queryset().defer("body").annotate(body_start=start)
            self._latest = rows[:SHOWN_ATTEMPTS]
        return self._latest


class AttemptInline(LookOnly, admin.StackedInline):
    """Each attempt: what was asked, when, what came back."""

    model = Attempt
    formset = LatestAttempts
    extra = 0
    fields = readonly_fields = (
        "request_line",
        "schedule_time",
        "dispatch_time",
        "ended_at",
        "took",
        "answer",
        "answer_headers",
        "answer_body",
    )

    @admin.display(description="request")
    def request_line(self, attempt: Attempt) -> str:
        """Return method and URL, and whether RunTask asked for it."""
        line = f"{attempt.task.method} {attempt.task.url}"
        return f"{line} (RunTask)" if attempt.forced else line

    @admin.display(description="duration")
    def took(self, attempt: Attempt) -> str:
        """Return the duration in milliseconds."""
        if attempt.duration is None:
            return "under way"
        return f"{attempt.duration.total_seconds() * 1000:.0f} ms"

    def answer(self, attempt: Attempt) -> str:
        """Return the status, or why there is none."""
        return str(attempt.status or attempt.error or "under way")

    def answer_headers(self, attempt: Attempt) -> SafeString:
        """Return the headers as they came, as inert text."""
        return format_html("<pre>{}</pre>", "\n".join(f"{k}: {v}" for k, v in attempt.headers))

    def answer_body(self, attempt: Any) -> SafeString:
        """Return the first KiB as inert text."""
        return format_html("<pre>{}</pre>", shown(bytes(attempt.body_start or b"")))


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
        if task.outcome:
            return task.get_outcome_display()
        if task.due_at != task.schedule_time:
            return "running"
        return "retrying" if task.dispatch_count else "waiting"

    @admin.display(description="body")
    def sent_body(self, task: Any) -> SafeString:
        """Return the first KiB of what is sent, as inert text."""
        return format_html("<pre>{}</pre>", shown(bytes(task.body_start or b"")))

    def _shows_one(self, request: HttpRequest) -> bool:
        match = request.resolver_match
        return bool(match and match.url_name and match.url_name.endswith("_change"))


def shown(content: bytes) -> str:
    """Return bytes as text in which nothing acts: no controls, no marks that turn its direction."""
    text = content.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)
