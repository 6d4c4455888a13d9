"""A line of JSONL as the fields of a task: its keys are those of `manage.py enqueue`'s options.

What is wrong with a line is a ValidationError; its code is the field's name where it is about one.
"""

import json
from typing import Any

from django.core.exceptions import ValidationError

# The form's fields and the options that fill them, so that an error names what was typed.
OPTIONS = {
    "queue": "queue",
    "url": "url",
    "method": "method",
    "headers": "header",
    "body": "body-content",
    "schedule_time": "schedule-time",
    "name": "name",
    "account": "oidc-service-account-email",
}
KEYS = {option.replace("-", "_"): field for field, option in OPTIONS.items()} | {
    **{field: field for field in OPTIONS},
    "oidc_token_audience": "audience",
    "audience": "audience",
}


def values(line: str | bytes) -> dict[str, Any]:
    """Return a line's values by field: headers as a list of lines, the rest as text."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValidationError(f"Not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValidationError("Not a JSON object.")
    read: dict[str, Any] = {}
    for key, value in found.items():
        field = KEYS.get(key.replace("-", "_"))
        if not field:
            raise ValidationError(f"Unknown key {key!r}.")
        read[field] = _value(field, value)
    return read


def fields_of(line: str | bytes) -> dict[str, str]:
    """Return a line's values as the form's fields; an audience is refused: the server knows it."""
    read = values(line)
    if "audience" in read:
        raise ValidationError("The audience is not chosen: it follows from the URL.", "audience")
    if "headers" in read:
        if any("\n" in header or "\r" in header for header in read["headers"]):
            raise ValidationError("A header is one line.", "headers")
        read["headers"] = "\n".join(read["headers"])
    return read


def _value(field: str, value: Any) -> Any:
    if field == "headers":
        lines = (
            [f"{name}: {text}" for name, text in value.items()]
            if isinstance(value, dict)
            else value
        )
        lines = [lines] if isinstance(lines, str) else lines
        if isinstance(lines, list) and all(isinstance(item, str) for item in lines):
            return lines
    elif field == "body" and isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    elif isinstance(value, str):
        return value
    raise ValidationError(f"{field} is not text.", field)
