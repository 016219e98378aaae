"""A second, independent renderer of the same words, for proving the judge on clips that our own world did not draw.

It shares nothing with the package ``world``: OpenCV fills polygons at several times the size and averages them down,
the colours are others, sizes run from 3 to 12 pixels (of 64), and paths have their own numbers.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from text2video.request import Request

Array = NDArray[Any]
Rng = np.random.Generator
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "black": (0, 0, 0)}
SHADES = {"red": (220, 30, 30), "green": (0, 128, 0), "blue": (40, 60, 220), "black": (30, 30, 30)}
STEPS = {
    "right": (1, 0),
    "left": (-1, 0),
    "up": (0, -1),
    "down": (0, 1),
    "up-right": (1, -1),
    "up-left": (-1, -1),
    "down-right": (1, 1),
    "down-left": (-1, 1),
}
# Corners, degrees from the right to the first one (clockwise), and its distance from the centre in radii.
OUTLINES = {"circle": (64, 0.0, 1.0), "square": (4, 45.0, 1.18), "triangle": (3, -90.0, 1.2)}
SIZES = (3.0, 12.0)  # pixels of a 64-pixel frame


def draw_clips(
    requests: Sequence[Request],
    seed: int = 0,
    size: int = 64,
    frames: int = 10,
    factor: int = 4,
    colours: dict[str, tuple[int, int, int]] | None = None,
    radius: float | None = None,
    pace: float | None = None,
    edge: bool = False,
) -> Array:
    """One clip for each fully named request, uint8[N, frames, size, size, 3] on white, drawn ``factor`` times as large.

    ``radius`` in pixels of a 64-pixel frame and ``pace`` (0 slowest, 1 fastest) are drawn at random where None; with
    ``edge``, straight motions end with the centre on the frame's edge.
    """
    rng = np.random.default_rng(seed)
    clips = []
    for shape, colour, motion, *_ in requests:
        if shape is None or colour is None or motion is None:
            raise ValueError("every clip needs its shape, colour and motion named")
        reach = rng.uniform(*SIZES) if radius is None else radius
        path = _path(motion, rng, size, frames, reach, rng.uniform() if pace is None else pace)
        if edge:
            path[:, :2] += _way_to_edge(path[-1, :2], STEPS[motion], size)
        clips.append(_draw(shape, (colours or COLOURS)[colour], path, size, factor))
    return np.stack(clips)


def _draw(shape: str, rgb: tuple[int, int, int], path: Array, size: int, factor: int) -> Array:
    """Frames uint8[T, size, size, 3] from x, y, radius (pixels) and angle (degrees clockwise), float[T, 4]."""
    corners, first, reach = OUTLINES[shape]
    frames = []
    for x, y, radius, angle in path:
        big = np.full((size * factor, size * factor, 3), 255, np.uint8)
        at = np.radians(np.arange(corners) * 360 / corners + first + angle)
        points = reach * radius * np.stack([np.cos(at), np.sin(at)], 1) + (x + 0.5, y + 0.5)
        fixed = np.round((points * factor - 0.5) * 256).astype(
            np.int32
        )  # OpenCV's fixed point, 8 binary digits
        cv2.fillPoly(big, [fixed], rgb, lineType=cv2.LINE_8, shift=8)
        frames.append(cv2.resize(big, (size, size), interpolation=cv2.INTER_AREA))
    return np.stack(frames)


def _path(motion: str, rng: Rng, size: int, frames: int, radius: float, pace: float) -> Array:
    """x, y, radius, angle, float[frames, 4], of one clip; ``radius`` in pixels of a 64-pixel frame."""
    time, unit = np.linspace(0, 1, frames), size / 64
    margin = (1.25 * radius + 1) * unit
    if motion in STEPS:
        x, y = _straight(STEPS[motion], rng, time, size, margin, pace)
    elif motion.startswith("rotating"):
        turn = (155 + 190 * pace) * (1 if motion.endswith(" clockwise") else -1) * time
        orbit = rng.uniform(8 * unit, max(size / 2 - margin, 9 * unit))
        at = np.radians(rng.uniform(0, 360) + turn)
        x, y = (size - 1) / 2 + orbit * np.cos(at), (size - 1) / 2 + orbit * np.sin(at)
        return np.stack([x, y, np.full(frames, radius * unit), turn], 1)
    elif motion in ("shrinking", "expanding"):
        ratio = (3.1 + 3 * pace) ** 0.5
        small = min(radius, 20 / ratio) * unit
        radii = small * (1 + (ratio - 1) * (time if motion == "expanding" else 1 - time))
        x, y = (_start(rng, size, 1.25 * radii.max() + unit, 0) + 0 * time for _ in "xy")
        return np.stack([x, y, radii, 0 * time], 1)
    else:
        wander = _bounce if motion.startswith("bouncing") else _zigzag
        along, across = wander(rng, time, size, margin, pace)
        x, y = (across, along) if motion.endswith("vertically") else (along, across)
    return np.stack([x, y, np.full(frames, radius * unit), 0 * time], 1)


def _start(rng: Rng, size: int, margin: float, way: float) -> float:
    """Where a way of that length may start and stay inside."""
    return margin + max(-way, 0) + rng.uniform(0, max(size - 1 - 2 * margin - abs(way), 0))


def _straight(
    step: tuple[int, int], rng: Rng, time: Array, size: int, margin: float, pace: float
) -> tuple[Array, Array]:
    way = min((0.26 + 0.49 * pace) * size, size - 1 - 2 * margin)
    x, y = (_start(rng, size, margin, d * way) + d * way * time for d in step)
    return x, y


def _bounce(rng: Rng, time: Array, size: int, margin: float, pace: float) -> tuple[Array, Array]:
    way = min((0.25 + 0.35 * pace) * size, size - 1 - 2 * margin)
    wave = np.abs(2 * ((time / rng.uniform(0.6, 1.1) + rng.uniform()) % 1) - 1)
    return _start(rng, size, margin, way) + way * wave, _start(rng, size, margin, 0) + 0 * time


def _zigzag(rng: Rng, time: Array, size: int, margin: float, pace: float) -> tuple[Array, Array]:
    room = size - 1 - 2 * margin
    way = min((0.3 + 0.4 * pace) * size, room) * rng.choice([-1, 1])
    swing = min(rng.uniform(4, 9) * size / 64, room / 2)
    wave = 4 * np.abs((time / rng.uniform(4 / 9, 7 / 9) + rng.uniform()) % 1 - 0.5) - 1
    return _start(rng, size, margin, way) + way * time, _start(rng, size, margin, 2 * swing) + swing * (
        1 + wave
    )


def _way_to_edge(end: Array, step: tuple[int, int], size: int) -> Array:
    """How to shift a path that ends at ``end`` so that it ends on the edge that it heads for."""
    edge = np.where(np.array(step) > 0, size - 1, 0)
    return np.where(np.array(step) != 0, edge - end, 0)
