"""Why a request got no answer, in a sentence."""

import os
import ssl

from .connections import NoTls
from .exchange import Disconnected, NoAnswer
from .targets import TargetRefused
from .text import as_text


def explain(error: Exception) -> str:
    """Say in a sentence why a request got no answer."""
    if isinstance(error, TargetRefused):
        return str(error)
    if isinstance(error, NoTls):
        return as_text(f"No TLS with the target: {_tls_reason(error.__cause__)}.")
    if isinstance(error, ValueError):
        return as_text(f"The request cannot be made: {error}.")
    if isinstance(error, OSError):
        number = error.errno
        reason = os.strerror(number) if number and number > 0 else error
        return as_text(f"Could not connect: {reason}.")
    if isinstance(error, Disconnected):
        return "The target closed the connection without an answer."
    if isinstance(error, NoAnswer):
        return as_text(f"No answer that could be read: {error}.")
    return as_text(f"The request failed: {error or type(error).__name__}.")


def _tls_reason(cause: BaseException | None) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cause.verify_message})"
    reason = str(getattr(cause, "reason", "") or cause)
    # Names of OpenSSL's own: WRONG_VERSION_NUMBER is what plain HTTP looks like.
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return "it answers without, so the URL may have to begin with http://"
    return reason.replace("_", " ").lower()
