"""The form of a task: every wrong field says why beside it and keeps what was typed."""

import secrets
from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from receiver.models import RECIPES

from . import drafts, names, rules
from .drafts import Draft


def sentences(form: forms.Form, options: dict[str, str]) -> str:
    """Return a form's errors in one line for a terminal, each after the option that it is about."""
    return " ".join(
        " ".join([f"--{options[field]}:" if field in options else "", *map(str, errors)]).strip()
        for field, errors in form.errors.items()
    )


NO_RECIPE = "A recipe is chosen in the form alone."


class EnqueueForm(forms.Form):
    """One task. `draft` is the checked task; the rules are those of `rules` and `drafts`.

    The commands use it too: they hand in the body as bytes, an audience and a location. `kept` is
    the body that `like` refers to, sent where no text is typed in its place; None where it is gone.
    `no_recipe` says why there may be no recipe; nothing where there may.
    """

    queue = forms.CharField(max_length=300)
    method = forms.CharField(initial="POST", required=False)
    url = forms.CharField(label="Target URL", strip=False)
    headers = forms.CharField(required=False, strip=False, widget=forms.Textarea)
    body = forms.CharField(required=False, strip=False, widget=forms.Textarea)
    schedule_time = forms.CharField(label="When", required=False)
    name = forms.CharField(label="Task name", required=False)
    account = forms.CharField(label="Service account of the token", required=False)
    recipe = forms.CharField(required=False, max_length=40)
    like = forms.CharField(required=False, max_length=40)
    zone = forms.CharField(required=False, widget=forms.HiddenInput, max_length=60)
    submission = forms.CharField(
        required=False,
        widget=forms.HiddenInput,
        max_length=64,
        initial=lambda: secrets.token_hex(16),
    )

    def __init__(
        self,
        *args: Any,
        body: bytes | None = None,
        kept: bytes | None = b"",
        no_recipe: str = NO_RECIPE,
        audience: str = "",
        location: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.given_body, self.given_audience, self.location = body, audience, location
        self.kept, self.no_recipe = kept, no_recipe
        self.draft: Draft | None = None
        self.fields["queue"].initial = settings.CLOUD_TASKS_QUEUE
        self.fields["url"].initial = settings.RECEIVER_URL
        self.fields["account"].initial = settings.OIDC_SERVICE_ACCOUNT

    def clean_queue(self) -> str:
        return names.queue_name(self.cleaned_data["queue"], self.location)

    def clean_method(self) -> str:
        return drafts.clean_method(self.cleaned_data["method"])

    def clean_url(self) -> str:
        return rules.clean_url(self.cleaned_data["url"])

    def clean_headers(self) -> list[tuple[str, str]]:
        return rules.clean_headers(self.cleaned_data["headers"])

    def clean_body(self) -> bytes:
        if self.given_body is not None:
            return self.given_body
        # Browsers send a textarea's line ends as CRLF, whatever was typed or pasted.
        body = self.cleaned_data["body"].replace("\r\n", "\n").encode() or self.kept
        if body is None:
            raise ValidationError("The bytes that this form was filled from are there no more.")
        return body

    def clean_schedule_time(self) -> Any:
        zone = self.data.get(self.add_prefix("zone"), "")
        return rules.clean_schedule(self.cleaned_data["schedule_time"], zone)

    def clean_recipe(self) -> str:
        recipe = self.cleaned_data["recipe"]
        if recipe and recipe not in RECIPES:
            raise ValidationError("There is no such recipe.")
        if recipe and self.no_recipe:
            raise ValidationError(self.no_recipe)
        return recipe

    def clean_name(self) -> str:
        return rules.clean_task_id(self.cleaned_data["name"])

    def clean_account(self) -> str:
        if self.add_prefix("account") not in self.data:
            url = self.data.get(self.add_prefix("url"), "")
            return str(settings.OIDC_SERVICE_ACCOUNT) if drafts.under_receiver(url) else ""
        return rules.clean_account(self.cleaned_data["account"])

    def as_if_sent(self) -> "EnqueueForm":
        """Return an unsent form with its values sent, to see what they would make."""
        return EnqueueForm(
            {field.name: field.value() for field in self}, kept=self.kept, no_recipe=self.no_recipe
        )

    def renew(self) -> None:
        """Take a new one-time key: the task with the old one was not created."""
        typed = {name: self.data.get(name) for name in self.data}
        self.data = typed | {self.add_prefix("submission"): secrets.token_hex(16)}

    def clean_submission(self) -> str:
        return self.cleaned_data["submission"] or secrets.token_hex(16)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "method" in data and "body" in data:
            self._try("body", drafts.check_body, data["method"], data["body"])
        # Only a command gives an audience, so that there is no field to say it at.
        audience = self._try(None, rules.clean_audience, self.given_audience) or ""
        if data.get("account") and "url" in data:
            allowed = self._try("account", drafts.audience_for, data["url"])
            audience = audience or allowed or ""
        if data.get("recipe") and "url" in data:
            self._try("recipe", drafts.check_recipe, data["url"])
        if not self.errors:
            self.draft = self._draft(data, audience if data["account"] else "")
            self._try("body", drafts.check_size, self.draft)
            for field, fault in drafts.receiver_faults(self.draft).items():
                self.add_error(field, fault)
        return data

    def _draft(self, data: dict[str, Any], audience: str) -> Draft:
        task_id = data["name"] or secrets.token_hex(16)
        fields = ("queue", "url", "method", "headers", "body", "schedule_time", "account")
        return Draft(
            name=f"{data['queue']}/tasks/{task_id}",
            audience=audience,
            **{field: data[field] for field in fields},
        )

    def _try(self, field: str | None, rule: Callable[..., Any], *values: Any) -> Any:
        try:
            return rule(*values)
        except ValidationError as error:
            self.add_error(field, error)
            return None
