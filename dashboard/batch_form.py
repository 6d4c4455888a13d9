"""The form of a new batch: the enqueue form's fields with placeholders, and its rows."""

import hashlib
import json
import secrets
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from . import names, placeholders, rules, uploads
from .models import Batch
from .row_check import FIELDS
from .uploads import Upload

# What the number beside "spread" counts, and the seconds between two tasks that it means.
PACES = {
    "ms": ("ms between two", lambda n: n / 1000),
    "second": ("tasks a second", lambda n: 1 / n),
    "minute": ("tasks a minute", lambda n: 60 / n),
    "hour": ("tasks an hour", lambda n: 3600 / n),
}


def _text(label: str, **options: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, strip=False, **options)


class BatchForm(forms.Form):
    """Many tasks. Where it is valid, `upload` has the rows and `fields` what they share."""

    source = forms.ChoiceField(choices=Batch.Source.choices, initial=Batch.Source.COPIES)
    count = forms.IntegerField(label="How many", required=False, initial=10, min_value=1)
    file = forms.FileField(label="File", required=False, allow_empty_file=True)
    pasted = _text("Or paste it", widget=forms.Textarea)
    queue = _text("Queue", max_length=300)
    method = _text("Method", initial="POST", max_length=100)
    url = _text("Target URL")
    headers = _text("Headers", widget=forms.Textarea)
    body = _text("Body", widget=forms.Textarea)
    schedule_time = _text("When")
    name = _text("Task name")
    account = _text("Service account of the token")
    every = forms.FloatField(label="Spread", required=False)
    pace = forms.ChoiceField(choices=[(key, PACES[key][0]) for key in PACES], initial="second")
    zone = forms.CharField(required=False, widget=forms.HiddenInput, max_length=60)
    submission = forms.CharField(
        max_length=64, widget=forms.HiddenInput, initial=lambda: secrets.token_hex(16)
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.upload = Upload()
        self.seconds = 0.0  # between two tasks
        self.digest = ""
        self.carried = False  # whether the file's text is in the box for pasted text now
        self.fields["queue"].initial = settings.CLOUD_TASKS_QUEUE
        self.fields["url"].initial = settings.RECEIVER_URL
        self.fields["account"].initial = settings.OIDC_SERVICE_ACCOUNT

    @property
    def template(self) -> dict[str, str]:
        """The fields as typed, with plain line ends: browsers send CRLF."""
        return {name: self.cleaned_data[name].replace("\r\n", "\n") for name in FIELDS}

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "source" in data and not self.errors:
            self._read(data)
        for name in FIELDS:
            if name in data and not self.errors.get("file") and not self.errors.get("pasted"):
                self._try(name, placeholders.check, data[name], self.upload.columns)
        if data.get("every") is not None and "pace" in data:
            self._spread(data)
        if not self.errors:
            said = json.dumps([self.template, self.upload.columns, self.upload.rows, self.seconds])
            self.digest = hashlib.sha256(f"{data['source']}{said}".encode()).hexdigest()
        return data

    def _read(self, data: dict[str, Any]) -> None:
        if data["source"] == Batch.Source.COPIES:
            if not data.get("count"):
                self.add_error("count", "How many tasks?")
            elif data["count"] > uploads.ROWS:
                self.add_error("count", f"One batch has at most {uploads.ROWS:,} tasks.")
            else:
                self.upload = uploads.copies(data["count"])
            return
        # Browsers send CRLF for each line end of a text.
        file, pasted = data.get("file"), data["pasted"].replace("\r\n", "\n").encode()
        if file and pasted.strip():
            self.add_error("pasted", "There is a file and a text: take one of them away.")
        elif not file and not pasted.strip():
            self.add_error("file", "Choose a file, or paste its lines below.")
        elif file and file.size > uploads.BYTES:
            self.add_error("file", f"{file.size:,} bytes; an upload may have {uploads.BYTES:,}.")
        else:
            field = "file" if file else "pasted"
            content = file.read() if file else pasted
            self.upload = self._try(field, uploads.read, data["source"], content) or Upload()

    def _spread(self, data: dict[str, Any]) -> None:
        number = data["every"]
        if not 0 < number < 1e9:
            self.add_error("every", "A number above 0; or leave it empty to send all for now.")
            return
        self.seconds = PACES[data["pace"]][1](number)
        last = self.seconds * (len(self.upload.rows) - 1)
        if last > rules.HORIZON.total_seconds():
            self.add_error(
                "every", "The last would be due in more than 30 days, the most that there is."
            )

    def _try(self, field: str, rule: Any, *values: Any) -> Any:
        try:
            return rule(*values)
        except ValidationError as error:
            self.add_error(field, error.messages[0])
            return None

    def queue_shown(self) -> str:
        """Return the queue's full name, or what was typed where each row has its own."""
        try:
            return names.queue_name(self.cleaned_data["queue"])
        except ValidationError:
            return str(self.cleaned_data["queue"])

    def renew(self) -> None:
        """Take a new one-time key: the batch with the old one stays as it is."""
        self._type(submission=secrets.token_hex(16))

    def carry_file(self) -> None:
        """Put a small file's text where it can be pasted: a browser forgets which file it was."""
        text = uploads.as_text(self.files.get("file"))
        self.carried = bool(text) and not self.data.get("pasted", "").strip()
        if self.carried:
            self._type(pasted=text)

    def _type(self, **values: str) -> None:
        self.data = {name: self.data.get(name) for name in self.data} | values
