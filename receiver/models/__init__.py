"""What the receiver keeps: events, refusals, and the replies that it was told to give."""

from .event import Event, EventQuerySet
from .refusal import Refusal, RefusalManager
from .reply import Reply

__all__ = ["Event", "EventQuerySet", "Refusal", "RefusalManager", "Reply"]
