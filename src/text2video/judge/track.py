"""From pixels to tracks: the one object of each frame, its centre, area, colour and outline moments."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np

from text2video.judge import rules

Array = np.ndarray
CHUNK = 32  # clips handled together: few enough for the arrays to stay in the processor's cache
GAP = rules.REGION_MARGIN + 1  # empty rows between frames that are stacked into one tall image


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
    return join([_track_chunk(chunk) for chunk in chunks(clips)])


def chunks(clips: Array) -> list[Array]:
    """``clips`` in parts of CHUNK, of which there is one at least. ValueError for what is no array of clips."""
    if clips.ndim != 5 or clips.shape[-1] != 3 or clips.dtype != np.uint8:
        raise ValueError(f"clips must be uint8[N, T, H, W, 3], not {clips.dtype}{list(clips.shape)}")
    if min(clips.shape[1:]) == 0:
        raise ValueError(f"clips without pixels: {list(clips.shape)}")
    return [clips[i : i + CHUNK] for i in range(0, max(len(clips), 1), CHUNK)]


def join(parts: Sequence[Tracks]) -> Tracks:
    """The tracks of all parts, one after the other."""
    return Tracks(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Tracks)})


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

    pixel: Array
    """int[P]: place in the flattened frame [H, W]."""
    frame: Array
    """int[P]"""
    distance: Array
    """float32[P]: RGB distance from the background."""

    def sum(self, values: Array, frames: int) -> Array:
        """Sum of ``values`` [P] in each frame, float[F]."""
        return np.bincount(self.frame, values, frames)

    def keep(self, which: Array, frame: Array | None = None) -> "Ink":
        """Only the pixels ``which``, bool[P] or their numbers, perhaps in other frames."""
        return Ink(self.pixel[which], self.frame[which] if frame is None else frame, self.distance[which])


def _track_chunk(clips: Array) -> Tracks:
    """:func:`track` for a few clips."""
    n, t, height, width = clips.shape[:4]
    ink = _find_ink(clips)
    contrast = core_means(ink.frame, ink.distance, ink.distance[:, None], n * t)[:, 0]
    usual = np.maximum(usual_contrast(contrast, n, t), 1.0)
    coverage = ink.distance / usual[ink.frame]
    region = _largest_blob(ink, coverage >= rules.MASK_LEVEL, n * t, height, width)
    stray = ink.sum((coverage > rules.STRAY_LEVEL) & ~region, n * t)
    ink, coverage = ink.keep(region), np.minimum(coverage[region], 1).astype(float)
    rgb = clips.reshape(n * t, height * width, 3)[ink.frame, ink.pixel]
    colour = core_means(ink.frame, coverage, rgb, n * t)
    return measure(ink, coverage, colour, contrast, clips.shape, stray)


def measure(
    ink: Ink, coverage: Array, colour: Array, contrast: Array, shape: Sequence[int], stray: Array | float = 0.0
) -> Tracks:
    """The tracks of objects in N x T frames of ``shape`` (N, T, H, W, ...), from the pixels of each with their
    ``coverage`` [P] and from its ``colour`` [N T, 3]; present where its ``contrast`` to the background, [N T], is clear
    and about as usual, where it is of plausible size, and alone but for few ``stray`` pixels, [N T]."""
    n, t, height, width = shape[:4]
    frames, scale = n * t, (min(height, width) / 64) ** 2
    y, x = np.divmod(ink.pixel, width)
    found = moments(ink, coverage, x, y, frames) | {"colour": colour}
    area, usual = found["area"], usual_contrast(contrast, n, t)
    present = (usual >= rules.MIN_CONTRAST) & (contrast >= rules.FADE * usual)
    present &= (area >= rules.MIN_AREA * scale) & (area <= rules.MAX_AREA * height * width)
    present &= stray < np.maximum(rules.STRAY_AREA * scale, rules.STRAY_SHARE * area)
    rims = (x == 0, y == 0, x == width - 1, y == height - 1)
    found["cut"] = np.stack([ink.sum(rim & (coverage >= rules.EDGE_LEVEL), frames) > 0 for rim in rims], 1)
    found = {k: np.where(present.reshape(-1, *[1] * (v.ndim - 1)), v, 0) for k, v in found.items()}
    found |= {"present": present, "whole": present & ~found["cut"].any(1)}
    return Tracks(**{name: value.reshape(n, t, *value.shape[1:]) for name, value in found.items()})


def usual_contrast(contrast: Array, n: int, t: int) -> Array:
    """The upper quartile over time of the ``contrast`` [N T] of each object, for all of its frames, float[N T]."""
    return np.repeat(np.quantile(contrast.reshape(n, t), 0.75, axis=1), t) if n else contrast


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
    return Ink(index % (height * width), frame, np.sqrt(dot(away, away)))


def dot(a: Array, b: Array) -> Array:
    """Scalar products of colours [..., 3]: faster than a sum over so short an axis."""
    return a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]


def core_means(group: Array, level: Array, values: Array, groups: int) -> Array:
    """Mean of ``values`` [P, C] over the pixels of each group whose ``level`` is nearly the highest of their group,
    float[groups, C]."""
    peak = np.zeros(groups, level.dtype)
    np.maximum.at(peak, group, level)
    core = level >= rules.CORE_LEVEL * peak[group]
    count = np.maximum(np.bincount(group[core], minlength=groups), 1)
    return np.stack([np.bincount(group[core], column, groups) / count for column in values[core].T], 1)


def stack(ink: Ink, values: Array, frames: int, height: int, width: int, gap: int = GAP) -> tuple[Array, Array]:
    """All frames as one tall image of ``values`` [P], so that OpenCV takes one call for them, with ``gap`` empty rows
    below each; and the place of each pixel in it when flattened, int[P]."""
    rows = height + gap
    tall, place = np.zeros((frames * rows, width), values.dtype), ink.pixel + ink.frame * (rows * width)
    tall.reshape(-1)[place] = values
    return tall, place


def connect(ink: Ink, frames: int, height: int, width: int, gap: int = GAP) -> Array:
    """The 8-connected region of each pixel, int[P], from 1."""
    if not len(ink.pixel):
        return np.zeros(0, int)
    tall, place = stack(ink, np.ones(len(ink.pixel), np.uint8), frames, height, width, gap)
    return np.asarray(cv2.connectedComponents(tall, connectivity=8)[1].reshape(-1)[place], int)


def _largest_blob(ink: Ink, mask: Array, frames: int, height: int, width: int) -> Array:
    """Which of the ink, bool[P], belongs to its frame's largest 8-connected blob of ``mask`` bool[P], or lies within
    the margin around it."""
    if not mask.any():
        return mask
    inside = ink.keep(mask)
    label = connect(inside, frames, height, width)
    sizes, owner = np.bincount(label), np.zeros(label.max() + 1, int)
    owner[label] = inside.frame
    largest = np.zeros(frames, int)
    order = np.argsort(sizes, kind="stable")
    largest[owner[order]] = order  # the last, largest one wins
    own = np.zeros(len(mask), np.uint8)
    own[mask] = label == largest[inside.frame]
    tall, place = stack(ink, own, frames, height, width)
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
    c11, c22, c20 = (ink.sum(coverage * square, frames), ink.sum(coverage * square**2, frames), size(real, imaginary))
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
