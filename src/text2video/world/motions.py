"""What the motion words mean, as paths. A new motion, size or speed is one entry in MOTIONS, SIZES or SPEEDS.

A path is a pure function of uniform random numbers, one row for each clip: no clip depends on its neighbours.
Lengths are fractions of the frame, x to the right and y down, so a positive angle turns clockwise on the screen.
Series that do not change over the frames may have one column.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

RADIUS = (0.08, 0.15)  # of an object that keeps its size,
CROWDED_RADIUS = (0.07, 0.13)  # of one that has others beside it
MARGIN = 1.5 / 64  # kept free between the object and the frame, for its smooth edge too
DICE = 9  # random numbers that a path may use; number 0 is for the size
# What a size word says of the radius of an object that keeps its size, and a speed word of its way in a second. Between
# them lies a gap, in which neither is said.
SIZES = {"small": (0.07, 0.085), "large": (0.125, 0.15)}
WAYS = (0.28, 0.6)  # of straight travel inside of the frame, in a clip
SPEEDS = {"slowly": (0.0, 0.38), "quickly": (0.58, 2.0)}

Number = np.ndarray | float
Range = tuple[Number, Number]


class Draw(NamedTuple):
    """The random part of ``n`` clips of one motion, each of ``frames`` frames (2 or more)."""

    dice: np.ndarray  # float[n, DICE], uniform in [0, 1)
    reach: np.ndarray  # float[n, 1]: how far each object reaches from its centre, in radii
    edge: np.ndarray  # bool[n, 1]: whether the object is to enter or leave over the edge, if the motion allows it
    frames: int
    radius: Range = RADIUS  # of objects that keep their size
    way: Range = (0, math.inf)  # of objects that travel straight

    def between(self, number: int, low: Number, high: Number) -> np.ndarray:
        """Spread a random number over ``low..high``: float[n, 1]. Where that range is empty, ``high`` wins."""
        low = np.minimum(low, high)
        return low + self.dice[:, number, None] * (high - low)

    def coin(self, number: int) -> np.ndarray:
        """A random number as heads or tails: bool[n, 1]."""
        return self.dice[:, number, None] < 0.5

    @property
    def time(self) -> np.ndarray:
        """From 0 in the first frame to 1 in the last: float[frames]."""
        return np.linspace(0, 1, self.frames)


class Path(NamedTuple):
    """Where the objects are: float[n, frames or 1] each, the angle in radians clockwise from upright."""

    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray
    angle: np.ndarray


@dataclass(frozen=True)
class Motion:
    """What a motion is called in prompts, and how it is drawn."""

    wordings: tuple[str, ...]
    path: "partial[Path]"  # of a function of a Draw; its keywords may also be arrays, of one value for each clip
    details: tuple[str, ...] = ("size",)  # what captions may say besides: size, speed


def straight(draw: Draw, right: Number, down: Number) -> Path:
    """Steady travel in one of eight directions, by more than a quarter of the frame; diagonals at 45 degrees."""
    diagonal = np.logical_and(right, down)
    radius, room = _size(draw)
    least, most, over_edge = (
        np.where(diagonal, *limits) for limits in ((0.22, WAYS[0]), (0.45, WAYS[1]), (1 - 2 * room, 0.8))
    )
    low, high = (limit / np.sqrt(1.0 + diagonal) for limit in draw.way)
    limits = np.maximum(least, low), np.minimum(most, high), np.minimum(over_edge, high)
    start, length = _journey(draw, radius, room, *limits)
    drift = np.where(diagonal, length, 0.0)
    ahead = start + length * draw.time
    other = draw.between(4, room, 1 - room - drift) + drift * draw.time
    swap = np.where(diagonal, draw.coin(5), np.equal(right, 0))
    x, y = np.where(swap, other, ahead), np.where(swap, ahead, other)
    x, y = np.where(np.less(right, 0), 1 - x, x), np.where(np.less(down, 0), 1 - y, y)
    return Path(x, y, radius, np.zeros_like(radius))


def rotating(draw: Draw, sense: Number) -> Path:
    """The picture turns by 155 to 300 degrees about the frame's centre; ``sense`` 1 is clockwise, -1 counter."""
    radius, room = _size(draw)
    orbit = draw.between(1, 0.17, 0.5 - room)
    most = min(300, 160 * (draw.frames - 1))  # a step of 180 degrees or more looks like the other sense
    angle = sense * np.radians(draw.between(2, 155, most)) * draw.time
    around = draw.between(3, 0, 2 * np.pi) + angle
    return Path(0.5 + orbit * np.cos(around), 0.5 + orbit * np.sin(around), radius, angle)


def scaling(draw: Draw, growing: Number) -> Path:
    """The radius changes linearly, and the area by a factor of 3.3 to 9; the centre stays."""
    large = draw.between(0, 0.11, 0.18)
    small = large / np.sqrt(draw.between(1, 3.3, np.minimum(9, (large / 0.05) ** 2)))
    room = large * draw.reach + MARGIN
    first, last = np.where(growing, small, large), np.where(growing, large, small)
    x, y = draw.between(2, room, 1 - room), draw.between(3, room, 1 - room)
    return Path(x, y, first + (last - first) * draw.time, np.zeros_like(x))


def bouncing(draw: Draw, vertical: Number) -> Path:
    """To and fro along an axis, 1 to 1.5 times over the clip, starting at either end."""
    radius, room = _size(draw)
    length = draw.between(1, 0.34, np.minimum(0.6, 1 - 2 * room))
    middle = draw.between(2, room + length / 2, 1 - room - length / 2)
    period = np.maximum(2, (draw.frames - 1) / draw.between(3, 1, 1.5))  # in frames
    first = np.where(draw.coin(4), 0.25, 0.75)
    along = middle + length / 2 * _triangle_wave(first + np.arange(draw.frames) / period)
    return _on_axis(vertical, along, draw.between(5, room, 1 - room), radius)


def zigzagging(draw: Draw, vertical: Number) -> Path:
    """Steady progress along an axis, either way, while swinging across it with a period of 4 frames or more."""
    radius, room = _size(draw)
    start, length = _journey(draw, radius, room, 0.28, 0.6, over_edge=0.8)
    along = start + length * draw.time
    along = np.where(draw.coin(4), along, 1 - along)
    swing = draw.between(5, 0.16, 0.3)
    middle = draw.between(6, room + swing / 2, 1 - room - swing / 2)
    period = np.maximum(4, draw.frames * draw.between(7, 0.4, 0.6))  # in frames
    first = np.where(draw.coin(8), 0, 0.5)
    across = middle + swing / 2 * _triangle_wave(first + np.arange(draw.frames) / period)
    return _on_axis(vertical, along, across, radius)


def _size(draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    """The radius of each object and the room that its centre needs to every edge."""
    radius = draw.between(0, *draw.radius)
    return radius, radius * draw.reach + MARGIN


def _journey(
    draw: Draw, radius: np.ndarray, room: np.ndarray, shortest: Number, longest: Number, over_edge: Number
) -> tuple[np.ndarray, np.ndarray]:
    """Where a steady way ahead along 0..1 starts and how long it is, in ``shortest..longest`` and wholly in view.

    For ``draw.edge`` it leads over the edge at one of its ends, and may be ``over_edge`` long. The centre is there
    between 0.3 radii outside and 0.35 radii inside, which leaves a quarter or more of any compact shape in view.
    The way is then so long that in 6 of 10 frames the object is wholly in view; where the frame is too small
    or the frames are too few for such a way, the clip stays inside.
    """
    length = draw.between(1, shortest, np.minimum(longest, 1 - 2 * room))
    start = draw.between(2, room, 1 - room - length)
    # The share of the way on which the object may be cut; on it the centre covers what `gap` lacks of `room`.
    cut = max(1 - (math.ceil(0.6 * draw.frames) - 1) / (draw.frames - 1), 1e-9)
    # (room - gap) / cut <= over_edge and <= 1 - room - gap, solved for gap, the centre's distance inside the edge.
    least = np.maximum(room - cut * over_edge, (room * (1 + cut) - cut) / (1 - cut))
    gap = draw.between(2, np.maximum(-0.3 * radius, least), 0.35 * radius)
    way = draw.between(1, np.maximum((room - gap) / cut, shortest), np.minimum(over_edge, 1 - room - gap))
    leads_over = draw.edge & (least <= 0.35 * radius)
    enters = draw.coin(3)
    return (np.where(leads_over, np.where(enters, gap, 1 - gap - way), start), np.where(leads_over, way, length))


def _triangle_wave(turns: np.ndarray) -> np.ndarray:
    """A wave of straight lines with period 1, between -1 and 1, that rises through 0 at 0."""
    return 1 - abs(4 * ((turns + 0.25) % 1) - 2)


def _on_axis(vertical: Number, along: np.ndarray, across: np.ndarray, radius: np.ndarray) -> Path:
    x, y = np.where(vertical, across, along), np.where(vertical, along, across)
    return Path(x, y, radius, np.zeros_like(radius))


def _diagonally(direction: str) -> tuple[str, str]:
    return f"moving {direction}", f"moving diagonally {direction}"


TRAVEL = ("size", "speed")
MOTIONS: dict[str, Motion] = {
    "up": Motion(("moving up",), partial(straight, right=0, down=-1), TRAVEL),
    "down": Motion(("moving down",), partial(straight, right=0, down=1), TRAVEL),
    "left": Motion(("moving left",), partial(straight, right=-1, down=0), TRAVEL),
    "right": Motion(("moving right",), partial(straight, right=1, down=0), TRAVEL),
    "up-left": Motion(_diagonally("up-left"), partial(straight, right=-1, down=-1), TRAVEL),
    "up-right": Motion(_diagonally("up-right"), partial(straight, right=1, down=-1), TRAVEL),
    "down-left": Motion(_diagonally("down-left"), partial(straight, right=-1, down=1), TRAVEL),
    "down-right": Motion(_diagonally("down-right"), partial(straight, right=1, down=1), TRAVEL),
    "rotating clockwise": Motion(("rotating clockwise",), partial(rotating, sense=1)),
    "rotating counter-clockwise": Motion(("rotating counter-clockwise",), partial(rotating, sense=-1)),
    "shrinking": Motion(("shrinking",), partial(scaling, growing=False), ()),
    "expanding": Motion(("expanding",), partial(scaling, growing=True), ()),
    "bouncing vertically": Motion(("bouncing vertically",), partial(bouncing, vertical=True)),
    "bouncing horizontally": Motion(("bouncing horizontally",), partial(bouncing, vertical=False)),
    "zigzagging vertically": Motion(("zigzagging vertically",), partial(zigzagging, vertical=True)),
    "zigzagging horizontally": Motion(("zigzagging horizontally",), partial(zigzagging, vertical=False)),
}
