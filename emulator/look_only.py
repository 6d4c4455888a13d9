"""What the pages of the admin here share: they show and change nothing."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.functional import cached_property

MOST_COUNTED = 5000


class LookOnly:
    """No adding, changing or deleting."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


class BoundedPaginator(Paginator):
    """Counts up to a few thousand rows and no further, however many there are."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most MOST_COUNTED."""
        rows: Any = self.object_list
        return rows.order_by().values("pk")[:MOST_COUNTED].count()


def shown(content: bytes) -> str:
    """Return bytes as text in which nothing acts: no controls, no marks that turn its direction."""
    text = content.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def header_lines(headers: list[list[str]]) -> str:
    """Return headers as they are written, one a line."""
    return "\n".join(f"{key}: {value}" for key, value in headers)
