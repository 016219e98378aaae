"""The shapes an object can have. A new shape is one entry in SHAPES."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shape:
    """An outline about its centroid at the origin, in any unit of length, x to the right and y down.

    ``distance(x, y)`` is how far points lie outside the outline, negative inside, true near straight edges.
    ``area`` is what the outline encloses, ``reach`` the distance from the centroid to its farthest point.
    All shapes are drawn with the area of a circle of the wanted radius: none is larger than another.
    """

    distance: Callable[[np.ndarray, np.ndarray], np.ndarray]
    area: float
    reach: float

    @property
    def scale(self) -> float:
        """What one unit becomes for the area of a circle of radius 1."""
        return math.sqrt(math.pi / self.area)


def _star(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Five points, one of them up, at distance 1, and hollows between them at distance HOLLOW.

    Both halves of all points are folded onto one of them, by mirrors; that has one edge.
    """
    x = abs(x)
    for side in (1, -1):
        beyond = 2 * np.maximum(side * COS * x + SIN * y, 0)
        x, y = x - side * COS * beyond, y - SIN * beyond
    right, up = 1 - HOLLOW * COS, HOLLOW * SIN  # across the edge, outwards
    return (right * abs(x) - up * (y + 1)) / math.hypot(right, up)


def _cross(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Two bars of length 2 and a third of that in width."""
    x, y = abs(x), abs(y)
    return np.maximum(np.minimum(x, y) - 1 / 3, np.maximum(x, y) - 1)


HOLLOW = 0.45
SIN, COS = math.sin(math.pi / 5), math.cos(math.pi / 5)

SHAPES: dict[str, Shape] = {
    "circle": Shape(lambda x, y: np.sqrt(x * x + y * y) - 1, area=math.pi, reach=1),
    "square": Shape(lambda x, y: np.maximum(abs(x), abs(y)) - 1, area=4, reach=math.sqrt(2)),
    # Equilateral and upright, about a circle of radius 1: one flat side below, two slopes above.
    "triangle": Shape(
        lambda x, y: np.maximum(y, math.sqrt(0.75) * abs(x) - 0.5 * y) - 1, area=3 * math.sqrt(3), reach=2
    ),
    "star": Shape(_star, area=5 * HOLLOW * SIN, reach=1),
    "cross": Shape(_cross, area=20 / 9, reach=math.sqrt(10) / 3),
    "ring": Shape(lambda x, y: abs(np.sqrt(x * x + y * y) - 0.75) - 0.25, area=0.75 * math.pi, reach=1),
}
