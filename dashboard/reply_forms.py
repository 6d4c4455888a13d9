"""The form of a rule that makes the receiver answer otherwise."""

from typing import ClassVar

from django import forms

from receiver.models import Reply

_LINES = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})


class ReplyForm(forms.ModelForm):
    """A Reply; which fields are asked together is said by `groups`."""

    GROUPS: ClassVar = [
        ("Which requests", ["queue", "path", "task", "header_name", "header_value"]),
        ("What they are answered", ["status", "delay", "headers", "body", "drop"]),
        ("How long, how often", ["times", "until", "percent", "order", "enabled"]),
    ]

    class Meta:
        model = Reply
        fields: ClassVar = [
            "name",
            *("queue", "path", "task", "header_name", "header_value"),
            *("status", "delay", "headers", "body", "drop"),
            *("times", "until", "percent", "order", "enabled"),
        ]
        widgets: ClassVar = {
            "headers": _LINES,
            "body": _LINES,
            "delay": forms.NumberInput(attrs={"step": "any"}),
            "until": forms.DateTimeInput(
                format="%Y-%m-%d %H:%M:%S", attrs={"placeholder": "2026-11-24 18:00"}
            ),
        }
        labels: ClassVar = {"enabled": "Switched on", "drop": "Drop the connection"}

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the fields but the name, in their groups."""
        return [(title, [self[name] for name in names]) for title, names in self.GROUPS]
