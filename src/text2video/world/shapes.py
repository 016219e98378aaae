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


SHAPES: dict[str, Shape] = {
    "circle": Shape(lambda x, y: np.sqrt(x * x + y * y) - 1, area=math.pi, reach=1),
    "square": Shape(lambda x, y: np.maximum(abs(x), abs(y)) - 1, area=4, reach=math.sqrt(2)),
    # Equilateral and upright, about a circle of radius 1: one flat side below, two slopes above.
    "triangle": Shape(
        lambda x, y: np.maximum(y, math.sqrt(0.75) * abs(x) - 0.5 * y) - 1, area=3 * math.sqrt(3), reach=2
    ),
}
