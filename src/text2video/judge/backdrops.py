"""The still background of each clip: plain, or of two tones in stripes, in checks or as a gradient."""

from itertools import combinations
from typing import Any, NamedTuple

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from text2video.judge import rules
from text2video.judge.track import dot

Array = np.ndarray
SITES = 12  # pixels of the frame's rim, besides corners and middles, whose colours are tried as tones,
GOLDEN = 0.618  # at such shares of its length that no pattern keeps step with them


class Backdrops(NamedTuple):
    """The backgrounds of n clips, behind the objects too."""

    picture: Array
    """float32[n, H, W, 3]"""
    name: Array
    """str[n]: a colour's or a pattern's, "" for any other."""
    far: Array
    """bool[n, T, H, W]: where a frame shows no tone of the background, nor a mixture of its two."""


def find_backdrops(clips: Array) -> Backdrops:
    """The backgrounds of ``clips`` uint8[n, T, H, W, 3].

    Two tones are told from the rim's median over time, and each pixel of a patterned background from the frames in
    which no object is near it; where there is none, from the nearest pixel that has one.
    """
    n, _, height, width = clips.shape[:4]
    tones, plain = _find_tones(clips)
    far = np.empty(clips.shape[:4], bool)
    for clip, pair, out in zip(clips, tones, far, strict=True):
        out[:] = _is_far(clip, pair, rules.OFF_TONE)
    picture = np.empty((n, height, width, 3), np.float32)
    picture[:] = tones[:, None, None, 0]
    name = np.array([_name_tone(pair[0]) for pair in tones], dtype=object)
    for i in np.flatnonzero(~plain):
        picture[i] = _uncover(clips[i], _is_far(clips[i], tones[i], rules.OFF_PATTERN))
        for frame, out in zip(clips[i], far[i], strict=True):
            away = frame - picture[i]
            out &= dot(away, away) > rules.OFF_TONE**2
        name[i] = _name_pattern(picture[i], tones[i])
    return Backdrops(picture, name, far)


def _find_tones(clips: Array) -> tuple[Array, Array]:
    """The two tones of each background, float32[n, 2, 3], which are one where it is plain, and whether, bool[n].

    The tones are the pair of rim pixels between which, in RGB, most of the rim lies.
    """
    height, width = clips.shape[2:4]
    rows, columns = np.arange(height), np.arange(width)
    ring = [(0 * columns, columns), (rows, 0 * rows + width - 1), (0 * columns + height - 1, columns[::-1])]
    y, x = (np.concatenate(part) for part in zip(*ring, (rows[::-1], 0 * rows), strict=True))
    rim = np.median(clips[:, :, y, x], axis=1).astype(np.float32)
    middle = np.median(rim, axis=1)
    inside = clips[:, :, ::4, ::4] - middle[:, None, None, None]
    plain = (dot(inside, inside) <= rules.NOISE**2).mean((1, 2, 3)) >= rules.PLAIN_SHARE
    tones = np.stack([middle, middle], 1)
    shares = np.concatenate([np.arange(8) / 8, np.arange(1, SITES + 1) * GOLDEN % 1])
    sites = np.unique((shares * len(x)).astype(int))
    first, second = np.array(list(combinations(sites, 2))).T
    for i in np.flatnonzero(~plain):
        start, way = rim[i, first], rim[i, second] - rim[i, first]
        off = rim[i][None] - start[:, None]
        share = (off @ way[..., None])[..., 0] / np.maximum(dot(way, way), 1)[:, None]
        rest = off - np.clip(share, 0, 1)[..., None] * way[:, None]
        score = (dot(rest, rest) <= rules.OFF_TONE**2).sum(1)
        best = (score + np.linalg.norm(way, axis=1) / 1000).argmax()  # of several such pairs the one farthest apart
        tones[i] = rim[i, [first[best], second[best]]]
    return tones, np.linalg.norm(tones[:, 0] - tones[:, 1], axis=1) < 2 * rules.OFF_TONE


def _is_far(clip: Array, tones: Array, least: float) -> Array:
    """Which pixels of a clip lie farther than ``least`` from all mixtures of two tones, in RGB: bool[T, H, W]."""
    start, way = tones[0], tones[1] - tones[0]
    length = float(np.linalg.norm(way))
    basis = np.linalg.svd(way[None])[2] if length else np.eye(3)  # along the way first
    basis[0] = way / length if length else basis[0]
    affine = np.column_stack([basis, -basis @ start]).astype(np.float32)
    far = np.empty(clip.shape[:3], bool)
    for frame, out in zip(clip, far, strict=True):
        off = cv2.transform(frame.astype(np.float32), affine)
        along, second, third = cv2.split(off)
        along -= np.clip(along, 0, length)
        np.greater(along * along + second * second + third * third, least**2, out=out)
    return far


def _uncover(clip: Array, far: Array) -> Array:
    """The picture behind the objects of one clip, float32[H, W, 3]."""
    kernel = np.ones((3, 3), np.uint8)
    total, times = np.zeros(clip.shape[1:], np.float32), np.zeros((*clip.shape[1:3], 1), np.float32)
    for frame, mask in zip(clip, far, strict=True):
        seen = cv2.dilate(mask.astype(np.uint8), kernel)[..., None] == 0
        total += frame * seen
        times += seen
    picture, lost = total / np.maximum(times, 1), times[..., 0] == 0
    if lost.all() or not lost.any():
        return picture
    return np.asarray(picture[tuple(distance_transform_edt(lost, return_distances=False, return_indices=True))])


def _name_pattern(picture: Array, tones: Array) -> str:
    """``gradient`` where many pixels lie between the tones; else ``striped`` if all edges run one way (the coherence of
    the structure tensor), ``checked`` if two."""
    way = tones[1] - tones[0]
    share = (picture - tones[0]) @ way / max(float(way @ way), 1)
    if (np.abs(share - 0.5) < rules.BETWEEN).mean() > rules.GRADIENT_SHARE:
        return "gradient"
    soft = cv2.GaussianBlur(share, (0, 0), 1.5)
    dx, dy = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    xx, yy, xy = float((dx * dx).sum()), float((dy * dy).sum()), float((dx * dy).sum())
    coherence = float(np.hypot(xx - yy, 2 * xy)) / max(xx + yy, 1e-6)
    return "striped" if coherence > rules.COHERENCE else "checked"


def _name_tone(rgb: Array) -> str:
    """Name of a plain background."""
    high, low = float(rgb.max()), float(rgb.min())
    if high - low < rules.PALE_CHROMA:
        return "white" if low > rules.WHITE_FROM else "grey" if high >= rules.BLACK_BELOW else "black"
    name = name_hue(rgb)
    return "pink" if name in ("red", "purple") and low > rules.PINK_FROM else name


def name_hue(rgb: Array) -> Any:
    """Name of the hue of ``rgb`` float[..., 3], str[...]."""
    red, green, blue = np.moveaxis(np.asarray(rgb, float), -1, 0)
    hue = np.degrees(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)) % 360
    return np.array(list(rules.HUES))[np.searchsorted(list(rules.HUES.values()), hue) % len(rules.HUES)]
