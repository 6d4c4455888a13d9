"""What can go wrong between here and Cloud Tasks, each with one sentence for a person."""


class GatewayError(Exception):
    """Cloud Tasks could not do what was asked; `str()` is the sentence to show."""


class Unreachable(GatewayError):
    """Nobody answered; nothing was created."""


class NoCredentials(GatewayError):
    """There is no Google identity to call with; nothing was created."""


class Refused(GatewayError):
    """Cloud Tasks answered no; `status` is its code's name, such as INVALID_ARGUMENT."""

    def __init__(self, sentence: str, status: str = "") -> None:
        super().__init__(sentence)
        self.status = status


class Denied(Refused):
    """PERMISSION_DENIED or UNAUTHENTICATED."""


class NotFound(Refused):
    """NOT_FOUND: the queue or task does not exist, or no longer does."""


class UnknownOutcome(GatewayError):
    """The call may have taken effect: the answer was lost after sending."""
