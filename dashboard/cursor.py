"""Where a live list stands: which of the newest ids it has.

With several writers a lower id may be committed after a higher one, so that the highest id alone
is no place to go on from: each poll looks back over the newest ids, for those not among the known.
"""

import re
from collections.abc import Iterable

BACK = 512  # ids looked back over; a list shows no more than 200 rows


def write(known: Iterable[int]) -> dict[str, object]:
    """Return the cursor for a query string: ids from `after` on, and those known as bits."""
    found = set(known)
    after = max(max(found, default=0) - BACK, 0)
    bits = sum(1 << (pk - after - 1) for pk in found if pk > after)
    return {"after": after, "seen": f"{bits:x}"}


def read(after: int | None, seen: str) -> tuple[int, set[int]]:
    """Return `after` and the known ids after it; what is no cursor knows none."""
    after = after or 0
    if not re.fullmatch(rf"[0-9a-f]{{1,{BACK // 4}}}", seen):
        return after, set()
    bits = int(seen, 16)
    return after, {after + 1 + n for n in range(bits.bit_length()) if bits >> n & 1}
