"""What one request may have, for gunicorn and for the form that must not promise more.

Nothing is imported here: gunicorn reads its configuration before there are settings.
"""

REQUEST_LINE_BYTES = 8190
HEADER_FIELDS = 100
HEADER_FIELD_BYTES = 16384
