"""Draws objects on a background, with smooth edges."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from text2video.world.motions import Path
from text2video.world.shapes import Shape


def draw_objects(
    clips: np.ndarray, rows: np.ndarray, shape: Shape, colours: np.ndarray, path: Path, plain: bool
) -> None:
    """Draw one object of a shape into each of the m clips ``clips[rows]``, in place.

    ``clips`` is uint8[n, T, size, size, 3], ``colours`` uint8[m, 3], the path float[m, T]; ``plain`` says that nothing
    was drawn yet on backgrounds of one tone each. A pixel takes as much of the colour as the object covers of it: half
    a pixel minus the signed distance of its centre to the outline, cut to 0..1. Only a window round each object is
    touched, as large as the largest needs.
    """
    frames, size = clips.shape[1:3]
    unit = (path.radius * shape.scale * size).astype(np.float32).reshape(-1, 1, 1)
    side = min(size, math.ceil(2 * unit.max() * shape.reach) + 3)
    x, left = _window(path.x, size, side)
    y, top = _window(path.y, size, side)
    x, y = x[:, None, :] / unit, y[:, :, None] / unit
    angle = path.angle.astype(np.float32).reshape(-1, 1, 1)
    if angle.any():
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = cos * x + sin * y, cos * y - sin * x
    cover = np.clip(0.5 - unit * shape.distance(x, y), 0, 1)
    windows = sliding_window_view(clips.reshape(-1, size, size, 3), (side, side), axis=(1, 2), writeable=True)
    canvas = windows.transpose(0, 1, 2, 4, 5, 3)
    frame = (rows[:, None] * frames + np.arange(frames)).reshape(-1)
    corners = np.repeat(clips[rows, 0, 0, 0], frames, axis=0)[:, None, None]
    under = corners if plain else canvas[frame, top, left]
    colour = np.repeat(colours, frames, axis=0)[:, None, None]
    drawn = np.empty((*cover.shape, 3), np.uint8)
    for channel in range(3):  # one by one, in long runs
        below = under[..., channel].astype(np.float32)
        drawn[..., channel] = below + 0.5 + cover * (colour[..., channel] - below)
    canvas[frame, top, left] = drawn


def _window(centre: np.ndarray, size: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Along one axis: float32[frames, side], the pixels' centres as seen from the object's, and the first pixel."""
    pixels = centre.reshape(-1) * size
    first = np.clip(np.floor(pixels - side / 2), 0, size - side).astype(int)
    return (first[:, None] + np.arange(side) + 0.5 - pixels[:, None]).astype(np.float32), first
