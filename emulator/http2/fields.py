"""Header fields of HTTP/2: read by the hpack library, written without a table of their own."""

from hpack import Decoder, HPACKError
from hpack.exceptions import OversizedHeaderListError

from .frames import COMPRESSION_ERROR, ENHANCE_YOUR_CALM, Broken

Fields = dict[bytes, bytes]
LARGEST_FIELDS = 64 * 1024  # bytes of all fields of one call, as HTTP/2 counts them
_MOST_KNOWN = 256
_LARGEST_KNOWN = 1024  # bytes; a call of Google's clients has some 100 once it repeats itself
_TABLE_SIZE_UPDATE = 0b001


class FieldReader:
    """Reads the blocks of one connection; a block it knows costs nothing.

    Clients repeat themselves: once a connection's table holds their fields, each call of a method
    is the same few bytes. What they mean changes with the table alone.
    """

    def __init__(self) -> None:
        self._decoder = Decoder(max_header_list_size=LARGEST_FIELDS)
        self._known: dict[bytes, Fields] = {}

    def read(self, block: bytes) -> Fields:
        """Return the fields of a block; where a name is repeated the last one counts."""
        known = self._known.get(block)
        if known is not None:
            return known
        table = self._decoder.header_table.dynamic_entries
        before, newest = len(table), table[0] if table else None
        try:
            fields = dict(self._decoder.decode(block, raw=True))
        except OversizedHeaderListError as error:
            raise Broken(ENHANCE_YOUR_CALM, str(error)) from None
        except (HPACKError, ValueError, IndexError) as error:
            raise Broken(COMPRESSION_ERROR, str(error)) from None
        if len(table) != before or (table and table[0] is not newest):
            self._known.clear()
        elif len(self._known) < _MOST_KNOWN and _repeats(block):
            self._known[block] = fields
        return fields


def _repeats(block: bytes) -> bool:
    """Say whether a block means the same whenever it comes again, and is worth its room."""
    return 0 < len(block) <= _LARGEST_KNOWN and block[0] >> 5 != _TABLE_SIZE_UPDATE


def literal(name: bytes, value: bytes) -> bytes:
    """Return one field as it stands in a block, in no table."""
    return b"\0" + _length(len(name)) + name + _length(len(value)) + value


def _length(size: int) -> bytes:
    """Return a length as HPACK writes an integer with a prefix of seven bits."""
    if size < 127:
        return bytes([size])
    out, left = [127], size - 127
    while left >= 128:
        out.append(left & 127 | 128)
        left >>= 7
    return bytes([*out, left])
