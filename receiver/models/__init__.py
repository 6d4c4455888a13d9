"""What the receiver keeps: events, refusals, and the replies that it was told to give."""

from ..recipes import RECIPES
from . import retention
from .event import Event, EventQuerySet
from .patience import wait_at_most
from .refusal import Refusal, RefusalManager
from .reply import Reply
from .search_text import SearchMark, SearchText
from .words import Span, Words

__all__ = [
    "RECIPES",
    "Event",
    "EventQuerySet",
    "Refusal",
    "RefusalManager",
    "Reply",
    "SearchMark",
    "SearchText",
    "Span",
    "Words",
    "retention",
    "wait_at_most",
]
