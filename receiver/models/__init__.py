"""What the receiver keeps: events, refusals, and the replies that it was told to give."""

from .event import Event
from .refusal import Refusal, RefusalManager

__all__ = ["Event", "Refusal", "RefusalManager"]
