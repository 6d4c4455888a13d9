"""Rules that people ask for again and again, by name."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """A rule's name and its fields; what it matches is up to whoever takes it."""

    name: str
    fields: dict[str, Any]


RECIPES = {
    "fail-3-times": Recipe("Fail 3 times with 503, then work", {"status": 503, "times": 3}),
    "slow": Recipe("Answer after 20 seconds", {"status": 200, "delay": 20}),
    "always-500": Recipe("Always 500", {"status": 500}),
    "429-retry-after": Recipe("429 with Retry-After", {"status": 429, "headers": "Retry-After: 5"}),
    "drop": Recipe("Drop the connection", {"drop": True}),
}
