"""A second, independent renderer of the words, for proving the judge: OpenCV polygons, drawn large and averaged down."""

from collections.abc import Sequence

import cv2
import numpy as np

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "black": (0, 0, 0)}
STEPS = {"right": (1, 0), "left": (-1, 0), "up": (0, -1), "down": (0, 1), "up-right": (1, -1), "up-left": (-1, -1),
         "down-right": (1, 1), "down-left": (-1, 1)}  # fmt: skip


def outline(shape: str, radius: float, angle: float) -> np.ndarray:
    """Corners of the shape about (0, 0), float[K, 2]; the circle has 64, the square's half side is ``radius / 1.2``."""
    corners, turn, reach = {"circle": (64, 0.0, 1.0), "square": (4, 45.0, 1.18), "triangle": (3, -90.0, 1.2)}[shape]
    at = np.radians(np.arange(corners) * 360 / corners + turn + angle)
    return reach * radius * np.stack([np.cos(at), np.sin(at)], 1)


def draw(shape, rgb, x, y, radius, angle, size=64, factor=4) -> np.ndarray:
    """Frames uint8[T, size, size, 3] on white from series x, y, radius, angle [T] (pixels, degrees clockwise)."""
    frames = []
    for values in zip(x, y, radius, angle, strict=True):
        big = np.full((size * factor, size * factor, 3), 255, np.uint8)
        points = outline(shape, values[2], values[3]) + np.array(values[:2]) + 0.5
        fixed = np.round((points * factor - 0.5) * 256).astype(np.int32)
        cv2.fillPoly(big, [fixed], tuple(int(c) for c in rgb), lineType=cv2.LINE_8, shift=8)
        frames.append(cv2.resize(big, (size, size), interpolation=cv2.INTER_AREA))
    return np.stack(frames)


def path(motion: str, rng, size=64, frames=10, radius=None, pace=None, edge=False):
    """Series x, y, radius, angle [T] of one clip of ``motion``; ``pace`` in 0..1 from slowest to fastest."""
    u = np.linspace(0, 1, frames)
    unit = size / 64
    pace = rng.uniform() if pace is None else pace
    r = (rng.uniform(3, 12) if radius is None else radius) * unit
    middle = (size - 1) / 2
    still, zero = np.full(frames, 1.0), np.zeros(frames)
    margin = 1.25 * r + 1

    def start(extent: float) -> float:
        room = max((size - 1) - 2 * margin - abs(extent), 0)
        return margin + max(-extent, 0) + rng.uniform(0, room)

    most = size - 1 - 2 * margin
    if motion in STEPS:
        dx, dy = STEPS[motion]
        diagonal = 2**0.5 if dx and dy else 1
        way = (0.26 * size * diagonal + pace * max(0.75 * size - 0.26 * size, 0)) / diagonal
        way = min(way, most) if not edge else way
        x, y = start(dx * way) + dx * way * u, start(dy * way) + dy * way * u
        if edge:  # slide the path so that it ends with the centre just outside
            x = x + (dx and ((size - 1 if dx > 0 else 0) - x[-1]))
            y = y + (dy and ((size - 1 if dy > 0 else 0) - y[-1]))
        return x, y, r * still, zero
    if motion.startswith("rotating"):
        turn = (155 + pace * 190) * (1 if motion.endswith(" clockwise") else -1)
        orbit = rng.uniform(8 * unit, max(middle - margin, 9 * unit))
        at = rng.uniform(0, 360) + turn * u
        return middle + orbit * np.cos(np.radians(at)), middle + orbit * np.sin(np.radians(at)), r * still, turn * u
    if motion in ("shrinking", "expanding"):
        small = r if radius is not None else rng.uniform(3, 8) * unit
        ratio = (3.1 + pace * 3) ** 0.5
        small = min(small, size / 3.2 / ratio)
        series = small * (1 + (ratio - 1) * (u if motion == "expanding" else 1 - u))
        margin = 1.25 * series.max() + 1
        spot = [rng.uniform(margin, max(size - 1 - margin, margin + 0.1)) for _ in "xy"]
        return spot[0] * still, spot[1] * still, series, zero
    if motion.startswith("bouncing"):
        extent = min((0.25 + 0.35 * pace) * size, most)
        wave = extent * np.abs(2 * ((u / rng.uniform(0.6, 1.1) + rng.uniform()) % 1) - 1)
        along, across = start(extent) + wave, start(0) * still
    else:
        way = min((0.3 + 0.4 * pace) * size, most) * rng.choice([-1, 1])
        swing = min(rng.uniform(4, 9) * unit, most / 2)
        period = rng.uniform(4, 7) / (frames - 1) * (frames - 1) / 9
        wave = swing * (4 * np.abs((u / period + rng.uniform(0, 1)) % 1 - 0.5) - 1)
        along, across = start(way) + way * u, start(2 * swing) + swing + wave
    x, y = (across, along) if motion.endswith("vertically") else (along, across)
    return x, y, r * still, zero


def clips(wanted: Sequence[tuple[str, str, str]], seed=0, size=64, frames=10, factor=4, colours=COLOURS, **how):
    """One clip uint8[T, size, size, 3] for each (shape, colour, motion)."""
    rng = np.random.default_rng(seed)
    return np.stack([draw(s, colours[c], *path(m, rng, size, frames, **how), size, factor) for s, c, m in wanted])
