"""Attempts in the admin: in short beside their task, and one with all that is kept of it."""

from typing import Any

from django.contrib import admin
from django.db.models import BinaryField, F, QuerySet
from django.db.models.functions import Substr
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .look_only import BoundedPaginator, LookOnly, header_lines, shown
from .models import Attempt

SHOWN_BYTES = 1024
SHOWN_ATTEMPTS = 100
FIELDS = (
    "request_line",
    "sent_headers",
    "schedule_time",
    "dispatch_time",
    "ended_at",
    "took",
    "answer",
    "answer_headers",
    "answer_body",
)


class AttemptPage(LookOnly):
    """One attempt: what was asked, when, what came back. Rows come with `body_start`."""

    @admin.display(description="request")
    def request_line(self, attempt: Attempt) -> str:
        """Return method and URL, and whether somebody asked for it."""
        line = f"{attempt.method} {attempt.url}"
        if attempt.extra:
            return f"{line} (a duplicate made on purpose)"
        return f"{line} (RunTask)" if attempt.forced else line

    @admin.display(description="request headers")
    def sent_headers(self, attempt: Attempt) -> SafeString:
        """Return the headers as they were sent, with secrets masked, as inert text."""
        return format_html("<pre>{}</pre>", header_lines(attempt.request_headers))

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
        return format_html("<pre>{}</pre>", header_lines(attempt.headers))

    def answer_body(self, attempt: Any) -> SafeString:
        """Return its beginning as inert text."""
        return format_html("<pre>{}</pre>", shown(bytes(attempt.body_start or b"")))


class LatestAttempts(BaseInlineFormSet):
    """The newest attempts of a task that may have very many."""

    def get_queryset(self) -> QuerySet[Any]:
        """Return the newest, without the bulk of their answers' bodies."""
        if not hasattr(self, "_latest"):
            start = Substr("body", 1, SHOWN_BYTES, output_field=BinaryField())
            rows = super().get_queryset().defer("body").annotate(body_start=start)
            self._latest = rows[:SHOWN_ATTEMPTS]
        return self._latest


class AttemptInline(AttemptPage, admin.StackedInline):
    """Each attempt in short, with a link to the whole of it."""

    model = Attempt
    formset = LatestAttempts
    extra = 0
    show_change_link = True
    fields = readonly_fields = FIELDS


@admin.register(Attempt)
class AttemptAdmin(AttemptPage, admin.ModelAdmin):
    """Every attempt, newest first; its page shows the whole body that was kept."""

    list_display = ("task", "number", "method", "url", "answer", "dispatch_time", "took")
    list_filter = ("extra", "forced")
    search_fields = ("task__short_name__exact",)
    search_help_text = "The task's whole short id"
    list_select_related = ("task",)
    show_full_result_count = False
    paginator = BoundedPaginator
    ordering = ("-pk",)
    fields = readonly_fields = ("task", "number", *FIELDS)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        """Leave what lists do not show in the database."""
        rows = super().get_queryset(request).defer("body", "task__body", "task__spec")
        match = request.resolver_match
        one = bool(match and match.url_name and match.url_name.endswith("_change"))
        return rows.annotate(body_start=F("body")) if one else rows
