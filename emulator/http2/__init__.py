"""HTTP/2 as gRPC needs it (RFC 9113), in plain asyncio; nothing here knows of Cloud Tasks."""

from .call import Call, Handler
from .server import Server

__all__ = ["Call", "Handler", "Server"]
