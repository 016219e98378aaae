"""A share with its confidence interval."""

from typing import Any


def wilson(hits: float, n: int, z: float = 1.96) -> dict[str, Any]:
    """Share ``hits / n`` with its 95 % interval (Wilson, JASA 22, 1927); value, low and high are None for n = 0."""
    if n == 0:
        return {"value": None, "low": None, "high": None, "n": 0}
    share, z2 = hits / n, z * z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * (share * (1 - share) / n + z2 / (4 * n * n)) ** 0.5
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return {"value": round(share, 4), "low": round(low, 4), "high": round(high, 4), "n": n}
