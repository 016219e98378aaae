"""From pixels to tracks: the one object of each frame, its centre, area, colour and outline moments."""

from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from text2video.judge import rules

Array = NDArray[Any]
CHUNK = 32  # clips handled together: few enough for the arrays to stay in the processor's cache


@dataclass(frozen=True)
class Tracks:
    """What is measured in each frame. Lengths in pixels, x to the right and y down from the centre of the top left
    pixel; numbers are 0 where ``present`` is False."""

    present: Array
    """bool[N, T]: exactly one object, of plausible size, not faded."""
    whole: Array
    """bool[N, T]: present, and not cut off by the frame's edge."""
    cut: Array
    """bool[N, T, 4]: present, and cut off on the left, top, right, bottom."""
    centre: Array
    """float[N, T, 2]: coverage-weighted centroid of the visible part."""
    area: Array
    """float[N, T]: visible area, in pixels."""
    colour: Array
    """float[N, T, 3]: mean RGB (0 to 255) of the core pixels."""
    triangular: Array
    """float[N, T]: threefold moment, about 1 for a triangle, 0 for the others."""
    fourfold: Array
    """float[N, T]: fourfold moment, about 1 for a square, 1.9 for a cross, 0 for the others."""
    fivefold: Array
    """float[N, T]: fivefold moment, about 1 for a star of five points, 0 for the others."""
    hollow: Array
    """float[N, T]: fourth cumulant, about 1 for a ring, at most .35 for the others."""
    elongation: Array
    """float[N, T]: 0 for a round outline, towards 1 for a line."""
    spread: Array
    """float[N, T]: polar moment over area squared: least, 0.159, for a disc."""


def track(clips: Array) -> Tracks:
    """Find the object in every frame of ``clips`` (uint8[N, T, H, W, 3], RGB, any plain background).

    ValueError for arrays of another type or form, and for clips without pixels; N may be 0.
    """
    check_clips(clips)
    chunks = [_track_chunk(clips[i : i + CHUNK]) for i in range(0, max(len(clips), 1), CHUNK)]
    return Tracks(**{f.name: np.concatenate([getattr(c, f.name) for c in chunks]) for f in fields(Tracks)})


def check_clips(clips: Array) -> None:
    """ValueError for what is no array of clips."""
    if clips.ndim != 5 or clips.shape[-1] != 3 or clips.dtype != np.uint8:
        raise ValueError(f"clips must be uint8[N, T, H, W, 3], not {clips.dtype}{list(clips.shape)}")
    if min(clips.shape[1:]) == 0:
        raise ValueError(f"clips without pixels: {list(clips.shape)}")


def background(clips: Array) -> Array:
    """Median colour of the outermost pixels over all frames, float32[N, 3]: objects are in the minority there."""
    n, t, height, width = clips.shape[:4]
    outermost = np.ones((height, width), bool)
    outermost[1:-1, 1:-1] = False
    ring = clips[:, :, outermost].reshape(n, t * int(outermost.sum()), 3)
    middle = ring.shape[1] // 2
    return np.partition(ring, middle, axis=1)[:, middle].astype(np.float32)


@dataclass(frozen=True)
class Ink:
    """The pixels that differ from the background, in the order of the clip array: a few percent of all."""

    index: Array
    """int[P]: place in the flattened [F, H, W]."""
    frame: Array
    """int[P]"""
    distance: Array
    """float32[P]: RGB distance from the background."""

    def sum(self, values: Array, frames: int) -> Array:
        """Sum of ``values`` [P] in each frame, float[F]."""
        return np.bincount(self.frame, values, frames)

    def keep(self, which: Array) -> "Ink":
        """Only the pixels ``which``, bool[P] or their numbers."""
        return Ink(self.index[which], self.frame[which], self.distance[which])


def _track_chunk(clips: Array) -> Tracks:
    """:func:`track` for a few clips."""
    n, t, height, width = clips.shape[:4]
    frames, scale = n * t, (min(height, width) / 64) ** 2
    ink = _find_ink(clips)
    contrast, clip_contrast = _contrast(ink, n, t)
    coverage = ink.distance / clip_contrast[ink.frame]
    region = _largest_blob(ink, coverage >= rules.MASK_LEVEL, frames, height, width)
    stray = ink.sum((coverage > rules.STRAY_LEVEL) & ~region, frames)
    ink, coverage = ink.keep(region), np.minimum(coverage[region], 1).astype(float)
    y, x = np.divmod(ink.index - ink.frame * (height * width), width)
    found = moments(ink, coverage, x, y, frames)
    area = found["area"]
    present = (clip_contrast >= rules.MIN_CONTRAST) & (contrast >= rules.FADE * clip_contrast)
    present &= (area >= rules.MIN_AREA * scale) & (area <= rules.MAX_AREA * height * width)
    present &= stray < np.maximum(rules.STRAY_AREA * scale, rules.STRAY_SHARE * area)
    rims = (x == 0, y == 0, x == width - 1, y == height - 1)
    found["cut"] = np.stack([ink.sum(rim & (coverage >= rules.EDGE_LEVEL), frames) > 0 for rim in rims], 1)
    rgb, _ = core_means(ink.frame, coverage, clips.reshape(-1, 3)[ink.index], frames)
    found["colour"] = np.stack(rgb, 1)
    found = {k: np.where(present.reshape(-1, *[1] * (v.ndim - 1)), v, 0) for k, v in found.items()}
    found |= {"present": present, "whole": present & ~found["cut"].any(1)}
    return Tracks(**{name: value.reshape(n, t, *value.shape[1:]) for name, value in found.items()})


def _find_ink(clips: Array) -> Ink:
    """The pixels that are not background; none of a frame that has too many of them to show an object."""
    n, t, height, width = clips.shape[:4]
    back = background(clips)
    far = np.empty((n, t, height * width), bool)
    for clip, colour, out in zip(clips, back.astype(float), far, strict=True):
        near = cv2.inRange(clip.reshape(t * height, width, 3), colour - rules.NOISE, colour + rules.NOISE)
        np.equal(near.reshape(t, -1), 0, out=out)
    far &= far.sum(2, keepdims=True) <= rules.MAX_INK * height * width
    index = np.flatnonzero(far)
    frame = index // (height * width)
    away = clips.reshape(-1, 3)[index] - back[frame // t]
    return Ink(index, frame, np.sqrt((away * away).sum(1)))


def _contrast(ink: Ink, n: int, t: int) -> tuple[Array, Array]:
    """RGB distance of the object's core in each frame and, robustly, in its clip, both float[N * T]."""
    (contrast,), _ = core_means(ink.frame, ink.distance, ink.distance[:, None], n * t)
    clip_contrast = np.quantile(contrast.reshape(n, t), 0.75, axis=1) if n else np.zeros(0)
    return contrast, np.repeat(np.maximum(clip_contrast, 1.0), t)


def core_means(group: Array, level: Array, values: Array, groups: int) -> tuple[list[Array], Array]:
    """Mean of each column of ``values`` [P, C] over the pixels of each group whose ``level`` is nearly the highest of
    their group, float[groups] each, and which pixels these are, bool[P]."""
    peak = np.zeros(groups, level.dtype)
    np.maximum.at(peak, group, level)
    core = level >= rules.CORE_LEVEL * peak[group]
    count = np.maximum(np.bincount(group[core], minlength=groups), 1)
    return [np.bincount(group[core], column, groups) / count for column in values[core].T], core


def _largest_blob(ink: Ink, mask: Array, frames: int, height: int, width: int) -> Array:
    """Which of the ink, bool[P], belongs to its frame's largest 8-connected blob of ``mask`` bool[P], or lies within
    the margin around it.

    All frames are stacked into one tall image with empty rows between them, so that OpenCV labels them in one call.
    """
    gap = rules.REGION_MARGIN + 1
    place = ink.index + ink.frame * (gap * width)
    tall = np.zeros((frames * (height + gap), width), np.uint8)
    tall.reshape(-1)[place[mask]] = 1
    if not mask.any():
        return mask
    _, labels = cv2.connectedComponents(tall, connectivity=8)
    label = labels.reshape(-1)[place[mask]]
    sizes, owner = np.bincount(label), np.zeros(label.max() + 1, int)
    owner[label] = ink.frame[mask]
    largest = np.zeros(frames, int)
    order = np.argsort(sizes, kind="stable")
    largest[owner[order]] = order  # the last, largest one wins
    lost = np.flatnonzero(mask)[label != largest[ink.frame[mask]]]
    tall.reshape(-1)[place[lost]] = 0
    kernel = np.ones((2 * rules.REGION_MARGIN + 1,) * 2, np.uint8)
    return cv2.dilate(tall, kernel).reshape(-1)[place] > 0


def moments(ink: Ink, coverage: Array, x: Array, y: Array, frames: int) -> dict[str, Array]:
    """Area, centre and outline moments, float[F], of objects with ``coverage`` [P] at pixels ``x``, ``y`` [P].

    With c_pq the complex moments about the centre (Flusser, Pattern Recognition 33, 2000), c_30, c_40 and c_50 are not
    changed by any blur that has no direction, nor is the area, and their sizes not by turning the shape: so |c_30|,
    |c_40| and |c_50|, divided by the area's power, tell triangle, square, star and circle apart at any size, angle and
    sharpness. So does the cumulant c_22 / c_00 - 2 (c_11 / c_00)^2 with rings, which a Gaussian blur does not change.
    """
    area = ink.sum(coverage, frames)
    safe = np.maximum(area, 1e-6)
    cx, cy = ink.sum(coverage * x, frames) / safe, ink.sum(coverage * y, frames) / safe
    dx, dy = x - cx[ink.frame], y - cy[ink.frame]
    real, imaginary = dx * dx - dy * dy, 2 * dx * dy  # of (dx + i dy)^2

    def size(a: Array, b: Array) -> Array:
        return np.hypot(ink.sum(coverage * a, frames), ink.sum(coverage * b, frames))

    square = dx * dx + dy * dy
    c11, c22, c20 = (
        ink.sum(coverage * square, frames),
        ink.sum(coverage * square**2, frames),
        size(real, imaginary),
    )
    c30 = size(real * dx - imaginary * dy, real * dy + imaginary * dx)
    fourth = real * real - imaginary * imaginary, 2 * real * imaginary
    c40 = size(*fourth)
    c50 = size(fourth[0] * dx - fourth[1] * dy, fourth[0] * dy + fourth[1] * dx)
    return {
        "area": area,
        "centre": np.stack([cx, cy], 1),
        "triangular": c30 / safe**2.5 / rules.TRIANGLE_MOMENT,
        "fourfold": c40 / safe**3 / rules.SQUARE_MOMENT,
        "fivefold": c50 / safe**3.5 / rules.STAR_MOMENT,
        "hollow": (2 * (c11 / safe**2) ** 2 - c22 / safe**3) / rules.RING_CUMULANT,
        "elongation": c20 / np.maximum(c11, 1e-6),
        "spread": c11 / safe**2,
    }
