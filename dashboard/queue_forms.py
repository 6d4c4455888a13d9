"""The forms of a queue: its limits, its name, and its name again before it is emptied or gone."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from . import names


class SecondsField(forms.FloatField):
    """Seconds, written as 2.5 or, as gcloud does, 2.5s."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(
            value.strip().removesuffix("s") if isinstance(value, str) else value
        )


class AttemptsField(forms.IntegerField):
    """A number of attempts; -1 or the word unlimited for no limit."""

    def to_python(self, value: Any) -> int | None:
        number = super().to_python(-1 if value == "unlimited" else value)
        return None if number is None else int(number)


class QueueForm(forms.Form):
    """A queue's limits, with Cloud Tasks' defaults and bounds beside each; empty is the default.

    Zero is refused where the API takes it as "not given" and would put the default instead.
    """

    max_dispatches_per_second = forms.FloatField(
        label="Dispatches a second",
        required=False,
        min_value=0.001,
        max_value=500,
        help_text="Up to 500. Empty: 500.",
    )
    max_concurrent_dispatches = forms.IntegerField(
        label="Dispatches at a time",
        required=False,
        min_value=1,
        max_value=5000,
        help_text="1 to 5,000. Empty: 1,000.",
    )
    max_attempts = AttemptsField(
        label="Attempts",
        required=False,
        min_value=-1,
        max_value=2**31 - 1,
        help_text="The first one included; -1 for no limit. Empty: 100.",
    )
    max_retry_duration = SecondsField(
        label="Retry for (seconds)",
        required=False,
        min_value=0.001,
        max_value=31 * 86400,
        help_text="From the first attempt. A task gives up when both this and the attempts are "
        "used up. Empty: not limited.",
    )
    min_backoff = SecondsField(
        label="Shortest wait (seconds)",
        required=False,
        min_value=0.001,
        max_value=31 * 86400,
        help_text="Before the first retry. Empty: 0.1.",
    )
    max_backoff = SecondsField(
        label="Longest wait (seconds)",
        required=False,
        min_value=0.001,
        max_value=31 * 86400,
        help_text="Between two attempts. Empty: 3,600.",
    )
    max_doublings = forms.IntegerField(
        label="Doublings",
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="How often the wait doubles before it grows evenly. Empty: 16.",
    )

    def clean_max_attempts(self) -> int | None:
        if self.cleaned_data["max_attempts"] == 0:
            raise ValidationError("Cloud Tasks takes 0 as not given, which means 100.")
        return self.cleaned_data["max_attempts"]

    def clean(self) -> dict[str, Any]:
        shortest = self.cleaned_data.get("min_backoff") or 0.1
        longest = self.cleaned_data.get("max_backoff") or 3600
        if shortest > longest and not {"min_backoff", "max_backoff"} & set(self.errors):
            self.add_error("min_backoff", f"Longer than the longest wait, {longest:g} seconds.")
        return self.cleaned_data

    @property
    def limits(self) -> dict[str, float | None]:
        """All limits that were given."""
        return {
            name: self.cleaned_data[name]
            for name in QueueForm.base_fields
            if self.cleaned_data[name] is not None
        }

    @property
    def changes(self) -> dict[str, float | None]:
        """Only what differs from the queue as it was; None sets back to the default."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class NewQueueForm(QueueForm):
    """The same with a name before it."""

    name = forms.CharField(label="Name", max_length=300)
    field_order = ["name"]

    def __init__(self, *args: Any, location: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.location = location

    def clean_name(self) -> str:
        return names.queue_name(self.cleaned_data["name"], self.location)


class NameAgainForm(forms.Form):
    """Asks for the queue's name, so that no slip of the hand empties or deletes a queue."""

    name = forms.CharField(label="Type the queue's name to confirm")

    def __init__(self, *args: Any, queue: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = queue

    def clean_name(self) -> str:
        if self.cleaned_data["name"] != self.queue:
            raise ValidationError(f"That is not {self.queue}. Nothing has been deleted.")
        return self.cleaned_data["name"]
