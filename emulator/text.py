"""Text that either database can hold."""


def as_text(value: str) -> str:
    """Make what came off the wire storable: neither database's text takes every string."""
    if value.isascii() and "\0" not in value:
        return value
    raw = value.encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
