"""What an emulator is told at its start."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from .declared import Declared
from .methods import Switches, Windows
from .queue_file import QueueFile
from .sending import Sending


@dataclass
class Options:
    """How an emulator is to run; ports of 0 are any free ones, times are seconds."""

    host: str = "127.0.0.1"
    port: int = 0
    http_port: int = 0
    queues: Sequence[str] = ()
    issuer: str = ""  # "" is the real HTTP port on the loopback address
    declared: Sequence[Declared] = ()
    queue_file: QueueFile | None = None
    windows: Windows = field(default_factory=Windows)
    switches: Switches = field(default_factory=Switches)
    sending: Sending = field(default_factory=Sending)
    keep_ended: timedelta = timedelta(hours=24)
    grace: float = 5.0  # for requests on their way when it stops
