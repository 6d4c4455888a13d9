"""Events and refusals in the admin: facts to browse, never to edit."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from .. import text
from ..models import Event, Refusal

SHOWN_BYTES = 64 * 1024


class CappedPaginator(Paginator):
    """Counts no further than the cap: a table of millions is not read to show one page."""

    CAP = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[: self.CAP].count())


class FactAdmin(admin.ModelAdmin):
    """Read-only pages of rows that only the receiver writes."""

    show_full_result_count = False
    # Counts beside the filters, and an order that no index has, would read the whole table.
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    paginator = CappedPaginator
    list_per_page = 40  # rendering a row takes the admin a millisecond
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Event)
class EventAdmin(FactAdmin):
    """Requests taken; the list leaves the large columns in the database."""

    list_display = [
        "received_at",
        "source",
        "queue",
        "task",
        "attempt",
        "method",
        "status",
        "caller_check",
        "body_size",
        "preview",
    ]
    list_filter = ["outcome", "source", "caller_check"]
    search_fields = ["task", "queue"]
    search_help_text = "A whole task or queue id."
    fieldsets = [
        ("Task", {"fields": ["queue", "task", "attempt", "execution_count", "eta", "lateness"]}),
        ("Before", {"fields": ["previous_response", "retry_reason"]}),
        (
            "Request",
            {
                "fields": [
                    "received_at",
                    "source",
                    "method",
                    "path",
                    "query",
                    "content_type",
                    "header_lines",
                    "body_size",
                    "body_text",
                    "trace",
                ]
            },
        ),
        ("Caller", {"fields": ["caller_account", "caller_audience", "caller_check"]}),
        ("Answer", {"fields": ["status", "outcome", "reply_name", "took_us"]}),
    ]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._without_body(request, self.list_display)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return [
            (title, options | {"fields": self._without_body(request, options["fields"])})
            for title, options in self.fieldsets
        ]

    def _without_body(self, request: HttpRequest, names: Any) -> list[Any]:
        """Leave out what shows a body for those who may not view bodies."""
        if request.user.has_perm("receiver.view_body"):
            return list(names)
        return [name for name in names if name not in ("body_text", "preview")]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return Event.objects.light()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        # Django's own "=" search ignores case and with it the indexes.
        term = search_term.strip()
        if term:
            queryset = queryset.filter(Q(task=term) | Q(queue=term))
        return queryset, False

    @admin.display(description="Headers")
    def header_lines(self, event: Event) -> SafeString:
        """The headers as received, secrets masked."""
        return format_html("<pre>{}</pre>", "\n".join(f"{n}: {v}" for n, v in event.headers))

    @admin.display(description="Body")
    def body_text(self, event: Event) -> SafeString:
        """The body as inert text, the first 64 KiB."""
        body: bytes = bytes(event.body)
        shown = format_html("<pre>{}</pre>", text.head(body, SHOWN_BYTES, keep="\n\t"))
        if len(body) <= SHOWN_BYTES:
            return shown
        return format_html("{}<p>Cut: the first {} of {} bytes.</p>", shown, SHOWN_BYTES, len(body))


@admin.register(Refusal)
class RefusalAdmin(FactAdmin):
    """Refused requests, counted by minute and reason, with what the last one claimed."""

    list_display = ["minute", "reason", "count", "queue", "task", "account", "audience"]
    list_filter = ["reason"]
    fieldsets = [
        (None, {"fields": ["minute", "reason", "count", "cause", "mend"]}),
        (
            "The last one claimed",
            {
                "fields": ["queue", "task", "account", "audience"],
                "description": "Nothing of this is verified.",
            },
        ),
    ]
    readonly_fields = ["cause", "mend"]

    @admin.display
    def cause(self, refusal: Refusal) -> str:
        """What the sender was told."""
        return refusal.cause

    @admin.display
    def mend(self, refusal: Refusal) -> SafeString:
        """What to do about it, in words and as a command."""
        mend = refusal.mend
        return format_html('<p>{}</p><pre class="code">{}</pre>', mend.text, mend.command)
