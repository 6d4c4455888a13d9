"""Django admin: what was sent, to browse and never to edit."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from . import inert
from .log_in import LogInForm
from .models import Batch, SentTask, Template

admin.site.login_form = LogInForm
admin.site.site_title = "Task dashboard"
admin.site.site_header = "Task dashboard"
admin.site.index_title = "All records"


@admin.register(SentTask)
class SentTaskAdmin(admin.ModelAdmin):
    """Read-only: a record of what happened is no place to change it."""

    list_display = ["task_id", "queue_id", "state", "answer", "created_by", "created_at"]
    list_filter = ["state", "answer"]
    list_select_related = ["created_by"]
    list_per_page = 50
    search_fields = ["task_id__exact"]
    search_help_text = "The exact task id."
    show_full_result_count = False
    exclude = ["body", "headers"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SentTask]:
        return SentTask.objects.light()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        may_see = request.user.has_perm("receiver.view_body")
        return ["header_lines", "body_text"] if may_see else ["header_lines"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="queue")
    def queue_id(self, sent: SentTask) -> str:
        return sent.queue_id

    @admin.display(description="headers")
    def header_lines(self, sent: SentTask) -> SafeString:
        lines = "\n".join(f"{name}: {value}" for name, value in sent.headers)
        return format_html('<pre class="code">{}</pre>', inert.visible(lines))

    @admin.display(description="body")
    def body_text(self, sent: SentTask) -> SafeString:
        return format_html('<pre class="code">{}</pre>', inert.raw(bytes(sent.body)))


@admin.register(Template)
class TemplateAdmin(admin.ModelAdmin):
    """Forms to send again: the title can be changed, the rest only by saving another."""

    list_display = ["title", "queue_id", "method", "url", "created_by", "used_at"]
    list_select_related = ["created_by"]
    list_per_page = 50
    search_fields = ["title"]
    show_full_result_count = False
    exclude = ["body", "headers", "created_at"]
    readonly_fields = ["queue", "method", "url", "account", "recipe", "created_by", "used_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Template]:
        return Template.objects.recent()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class _Uncounted(Paginator):
    """Counts no further than some pages: an admin's list is for looking around."""

    CAP = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[: self.CAP].count())


@admin.register(Batch)
class BatchAdmin(admin.ModelAdmin):
    """Read-only: a batch is sent, stopped and deleted on its page, which keeps the counts true."""

    list_display = [
        *["__str__", "state", "source", "queue_id", "total", "sent", "failed"],
        *["created_by", "created_at"],
    ]
    list_filter = ["state", "source"]
    list_select_related = ["created_by"]
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    paginator = _Uncounted
    actions = None
    exclude = ["salt", "submission", "digest"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        return Batch.objects.light()

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        may_see = request.user.has_perm("receiver.view_body")
        return [*self.exclude, *([] if may_see else ["fields"])]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
