"""Why a request got no answer, in a sentence."""

import os
import ssl

import aiohttp

from .targets import TargetRefused
from .text import as_text


def explain(error: Exception) -> str:
    """Say in a sentence why a request got no answer."""
    cause = getattr(error, "os_error", None)
    if isinstance(cause, TargetRefused):
        return str(cause)
    if isinstance(error, aiohttp.ClientSSLError):
        return as_text(f"No TLS with the target: {_tls_reason(error)}.")
    if isinstance(error, aiohttp.InvalidURL | ValueError | TypeError):
        return as_text(f"The request cannot be made: {error}.")
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        reason = os.strerror(number) if number and number > 0 else error.os_error
        return f"Could not connect: {reason}."
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "The target closed the connection without an answer."
    return as_text(f"No answer that could be read: {error or type(error).__name__}.")


def _tls_reason(error: Exception) -> str:
    cause = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cause.verify_message})"
    reason = str(getattr(cause, "reason", "") or cause)
    # Names of OpenSSL's own: WRONG_VERSION_NUMBER is what plain HTTP looks like.
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return "it answers without, so the URL may have to begin with http://"
    return reason.replace("_", " ").lower()
