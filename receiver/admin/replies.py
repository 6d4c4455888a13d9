"""Replies in the admin: rules to add, from a recipe or from nothing, and to switch."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm, NumberInput, Textarea, TextInput
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ..models import Reply
from ..recipes import RECIPES

_LONG = TextInput(attrs={"class": "vTextField"})


@admin.register(Reply)
class ReplyAdmin(admin.ModelAdmin):
    """Rules that make the receiver answer otherwise."""

    list_display = ["name", "state", "meant_for", "answer", "hit_count", "last_hit_at", "order"]
    list_filter = ["enabled"]
    search_fields = ["name", "queue", "task", "path"]
    readonly_fields = ["hit_count", "last_hit_at"]
    actions = ["switch_on", "switch_off", "count_anew"]
    show_facets = admin.ShowFacets.NEVER
    fieldsets = [
        (None, {"fields": ["name", "enabled", "order"]}),
        (
            "Which requests",
            {
                "fields": ["queue", "path", "task", "header_name", "header_value"],
                "description": "All that are filled in must match.",
            },
        ),
        ("What they are answered", {"fields": ["status", "headers", "body", "delay", "drop"]}),
        ("How long", {"fields": ["times", "until", "percent", "hit_count", "last_hit_at"]}),
    ]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm]:
        lines = Textarea(attrs={"rows": 3, "class": "vLargeTextField"})
        widgets = {"path": _LONG, "task": _LONG, "header_value": _LONG, "headers": lines}
        widgets |= {"body": lines, "delay": NumberInput(attrs={"step": "any"})}
        return super().get_form(request, obj, change, **(kwargs | {"widgets": widgets}))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with a recipe where the address names one: `?recipe=always-500`."""
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        recipe = RECIPES.get(given.pop("recipe", ""))
        return ({"name": recipe.name} | recipe.fields | given) if recipe else given

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """List the rules, with the recipes to add one from."""
        if not settings.REPLIES:
            messages.warning(request, "Replies are off: set REPLIES=1 where they may answer.")
        context = {"recipes": [(key, recipe.name) for key, recipe in RECIPES.items()]}
        return super().changelist_view(request, context | (extra_context or {}))

    def save_model(self, request: HttpRequest, obj: Reply, form: ModelForm, change: bool) -> None:
        """Save what the form has: deliveries count hits beside it."""
        obj.save(update_fields=form.fields if change else None)

    @admin.display
    def state(self, reply: Reply) -> str:
        return reply.state(timezone.now())

    @admin.display(description="Matching")
    def meant_for(self, reply: Reply) -> str:
        return reply.meant_for

    @admin.display(description="Hits")
    def hit_count(self, reply: Reply) -> str:
        return str(reply.hits) if reply.times is None else f"{reply.hits} of {reply.times}"

    @admin.action(description="Switch on", permissions=["change"])
    def switch_on(self, request: HttpRequest, replies: QuerySet[Reply]) -> None:
        replies.update(enabled=True)

    @admin.action(description="Switch off", permissions=["change"])
    def switch_off(self, request: HttpRequest, replies: QuerySet[Reply]) -> None:
        replies.update(enabled=False)

    @admin.action(description="Count hits anew", permissions=["change"])
    def count_anew(self, request: HttpRequest, replies: QuerySet[Reply]) -> None:
        replies.update(hits=0, last_hit_at=None)
