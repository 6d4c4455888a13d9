"""How a log record becomes a line: plain on a laptop, one JSON object in the cloud."""

import json
import logging
from typing import Any

from django.conf import settings
from django.http import HttpRequest


def without_noise(record: logging.LogRecord) -> logging.LogRecord:
    """Drop the stack trace of a wrong Host header: the sentence says all; strangers send many."""
    if record.name == "django.security.DisallowedHost":
        record.exc_info = record.exc_text = None
    return record


class PlainFormatter(logging.Formatter):
    """The receiver's line as it stands; everything else with its level and logger before it."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name == "receiver.events":
            return record.getMessage()
        record = without_noise(record)
        return f"{record.levelname} {record.name}: {super().format(record)}"


class JsonFormatter(logging.Formatter):
    """One object a line as Cloud Logging reads it: severity, message, and the record's `fields`.

    Pure ASCII, so that no byte of a body can end the line early or fail on a narrow stream.
    """

    def format(self, record: logging.LogRecord) -> str:
        record = without_noise(record)
        entry = {"severity": record.levelname, "message": record.getMessage()}
        if record.name != "receiver.events":
            entry["logger"] = record.name
        if record.exc_info:
            entry["message"] += "\n" + self.formatException(record.exc_info)
        fields = getattr(record, "fields", None) or of_request(record)
        return json.dumps(entry | fields, default=str)


def of_request(record: logging.LogRecord) -> dict[str, Any]:
    """Return the request that Django logs a trouble with, and its trace; queries stay out."""
    request = getattr(record, "request", None)
    if not isinstance(request, HttpRequest):
        return {}
    shown: dict[str, Any] = {"requestMethod": request.method, "requestUrl": request.path[:1000]}
    if status := getattr(record, "status_code", None):
        shown["status"] = status
    found: dict[str, Any] = {"httpRequest": shown}
    from receiver import labels  # not before there are apps

    if trace := labels.trace(request.META):
        project = settings.GOOGLE_CLOUD_PROJECT
        found["logging.googleapis.com/trace"] = f"projects/{project}/traces/{trace}"
    return found


class Handler(logging.StreamHandler):
    """Writes lines; those of events wait for a flush, which their writer does for many at once."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.stream.write(self.format(record) + self.terminator)
            if record.name != "receiver.events":
                self.flush()
        except Exception:
            self.handleError(record)


def formatter(in_cloud: bool) -> logging.Formatter:
    """Return the formatter for where this process runs."""
    return JsonFormatter() if in_cloud else PlainFormatter()
