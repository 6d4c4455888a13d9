"""Handler times in buckets that grow by the root of two: small to keep, and they can be added up.

Bucket n holds times below EDGES[n] microseconds and not below the edge before; the last has no
upper edge. A percentile read from them is right to within its bucket, 20 % either way at worst.
"""

from collections.abc import Mapping

EDGES = [round(250 * 2 ** (n / 2)) for n in range(37)]  # 0.25 ms to 66 s


def percentile(took: Mapping[int, int], percent: float) -> float | None:
    """Return the time in ms that so many per cent stay below; None of nothing.

    >>> percentile({0: 1}, 50), percentile({}, 50)
    (0.125, None)
    >>> round(percentile({4: 90, 10: 10}, 95), 2)
    6.83
    """
    total = sum(took.values())
    if not total:
        return None
    wanted = total * percent / 100
    for bucket in sorted(took):
        if wanted <= took[bucket]:
            low, high = _bounds(bucket)
            return (low + (high - low) * wanted / took[bucket]) / 1000
        wanted -= took[bucket]
    return EDGES[-1] / 1000


def _bounds(bucket: int) -> tuple[int, int]:
    if bucket >= len(EDGES):
        return EDGES[-1], EDGES[-1]
    return (EDGES[bucket - 1] if bucket else 0), EDGES[bucket]


def sql(column: str) -> str:
    """Return the SQL that tells the bucket of a column of microseconds, NULL of NULL."""
    steps = " ".join(f"WHEN {column} < {edge} THEN {n}" for n, edge in enumerate(EDGES))
    return f"CASE WHEN {column} IS NULL THEN NULL {steps} ELSE {len(EDGES)} END"
