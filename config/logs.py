"""How a log record becomes a line: plain on a laptop, one JSON object in the cloud."""

import json
import logging


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
        return json.dumps(entry | getattr(record, "fields", {}), default=str)


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
