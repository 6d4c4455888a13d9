"""What an option of the command line may be; each raises ArgumentTypeError with a sentence."""

import socket
from argparse import ArgumentTypeError

# Ten years, as far as the clock can be turned: further back, dates begin to run out for no use.
_MOST_SECONDS = 316_224_000
_TRUE = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


def port(text: str) -> int:
    """Return the number of a port; 0 is any free one."""
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= 65535):
        raise ArgumentTypeError(f"{text!r} is no port: a number from 0 to 65535 is.")
    return int(text)


def seconds(text: str) -> float:
    """Return a time of at most ten years."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= _MOST_SECONDS:  # a NaN is not either
        raise ArgumentTypeError(f"{text!r} is no time in seconds from 0 to {_MOST_SECONDS}.")
    return number


def host(text: str) -> str:
    """Return a name or address that this machine knows."""
    try:
        socket.getaddrinfo(text or ".", None)
    except (OSError, UnicodeError):
        raise ArgumentTypeError(f"{text!r} is no address of this machine.") from None
    return text


def boolean(text: str) -> bool:
    """Return what Go's flags take for true or false."""
    if text.lower() not in _TRUE:
        raise ArgumentTypeError(f"{text!r} is neither true nor false.")
    return _TRUE[text.lower()]
