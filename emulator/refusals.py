"""Refusals of what stands beside queues and tasks: REST, batches, policies, places.

As in `errors.py`, texts are Google's where its answer is on record or documented.
"""

from .errors import Code, Refused, invalid, shown


class BadPayload(Refused):
    """A REST request that cannot be read; `violations` pairs a field's path with what is wrong."""

    def __init__(self, violations: list[tuple[str, str]]) -> None:
        super().__init__(Code.INVALID_ARGUMENT, "\n".join(text for _, text in violations))
        self.violations = violations


def payload_too_large(most: int) -> Refused:
    """A REST request's body is longer than `most` bytes."""
    return invalid(f"Request payload size exceeds the limit: {most} bytes.")


def from_a_web_page() -> Refused:
    """A browser sent the request for a page of another site (our text)."""
    return Refused(Code.PERMISSION_DENIED, "Requests of other sites' pages are refused.")


def host_unknown(host: str) -> Refused:
    """The request names a host that anybody could have registered (our text)."""
    return Refused(
        Code.PERMISSION_DENIED,
        f"Requests to {shown(host)} are refused, for another site's page could send them. Where "
        "that name is this emulator's, list it in EMULATOR_ALLOWED_HOSTS.",
    )


# Batches, policies, places ----------------------------------------------------------------
def batch_size(most: int) -> Refused:
    """A batch of nothing, or of more than `most` (our text)."""
    return invalid(f"A batch must hold between 1 and {most} requests.")


def batch_parent(index: int) -> Refused:
    """One request of a batch is for another queue than the batch (our text)."""
    return invalid(f"The parent of request {index} must be the same as the parent of the batch.")


def request_id_invalid() -> Refused:
    """The id would not make the name of an operation (our text)."""
    return invalid(
        "request_id can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or "
        "underscores (_), and must be no longer than 500 characters."
    )


def none_succeeded(metadata: str) -> Refused:
    """Every request of a batch failed, as the v2 proto documents; the error of an operation."""
    return Refused(
        Code.ABORTED,
        f"None of the requests succeeded, refer to {metadata}.failed_requests for individual "
        "error details",
    )


def policy_changed() -> Refused:
    """SetIamPolicy's etag is not the policy's (Google's text without the etags)."""
    return Refused(
        Code.ABORTED,
        "There were concurrent policy changes. Please retry the whole read-modify-write with "
        "exponential backoff.",
    )


def permission_wildcard() -> Refused:
    """TestIamPermissions was asked for a pattern (our text)."""
    return invalid("Permissions with wildcards are not allowed.")


def cmek_mask_unknown(path: str) -> Refused:
    """UpdateCmekConfig's mask names no field of it (our text)."""
    return invalid(f"Invalid update mask: '{path}' is not a field of CmekConfig.")


def kms_key_malformed() -> Refused:
    """The key has not the form of a Cloud KMS key's name (our text)."""
    form = "projects/<PROJECT_ID>/locations/<LOCATION_ID>/keyRings/<RING>/cryptoKeys/<KEY>"
    return invalid(f'CmekConfig.kmsKey must be formatted: "{form}".')


def read_mask_unknown(path: str) -> Refused:
    """A read mask names no field of a queue (our text)."""
    return invalid(f"Invalid read mask: '{path}' is not a field of Queue.")


def no_host_to_buffer_for() -> Refused:
    """BufferTask on a queue that does not say where its tasks go (our text)."""
    return Refused(
        Code.FAILED_PRECONDITION,
        "BufferTask needs a queue whose http_target has a uri_override with a host.",
    )
