"""Does the model draw, or does it copy? Its clips' distance to the nearest training clip, beside that of real ones."""

from typing import NamedTuple

import cv2
import numpy as np

from text2video.data.packed import PackedReader

Array = np.ndarray
MOST = 20_000  # training clips that are searched; of more, a random sample
GRID = 8  # cells a side of a thumbnail: an anti-aliased shape that moves by a pixel changes it
CHUNK = 256  # training clips unpacked at a time
BLOCK = 4096  # thumbnails compared at a time
NEAR = 0.01  # share of the real clips that are as near to a training clip as what counts as a copy
FRAMES = 16  # of a longer clip, evenly taken


class Nearest(NamedTuple):
    """For each clip of the model, and each real one, its nearest training clip, and how far it is: the root mean square
    difference of their thumbnails, in grey levels (0 to 255)."""

    model_index: Array
    model_distance: Array
    real_index: Array
    real_distance: Array


def thumbnails(clips: Array) -> Array:
    """Clips uint8[N, T, H, W, 3] at GRID x GRID and at most FRAMES frames, flattened: uint8[N, D]."""
    if clips.shape[1] > FRAMES:
        clips = clips[:, np.linspace(0, clips.shape[1] - 1, FRAMES).round().astype(int)]
    n, frames, height, width, _ = clips.shape
    small = np.empty((n, frames * GRID, GRID, 3), np.uint8)
    for clip, out in zip(clips, small, strict=True):  # all frames of a clip at once, as one tall picture
        cv2.resize(clip.reshape(frames * height, width, 3), (GRID, frames * GRID), out, interpolation=cv2.INTER_AREA)
    return small.reshape(n, frames * GRID * GRID * 3)  # no -1: there may be no clips


def find_nearest(model: Array, real: Array, train: PackedReader, seed: int) -> Nearest:
    """The nearest training clip of each of the model's clips and of ``real`` (held out) ones, all uint8[N, D], from
    :func:`thumbnails`. ``train`` must not be empty."""
    rows = np.arange(len(train))
    if len(rows) > MOST:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST, replace=False))
    known = np.concatenate([thumbnails(train[rows[i : i + CHUNK]]) for i in range(0, len(rows), CHUNK)])
    (model_index, model_distance), (real_index, real_distance) = (_search(c, known) for c in (model, real))
    return Nearest(rows[model_index], model_distance, rows[real_index], real_distance)


def _search(wanted: Array, known: Array) -> tuple[Array, Array]:
    """Index of the nearest of ``known`` uint8[M, D] for each of ``wanted`` uint8[N, D], and the distance to it."""
    index, least = np.zeros(len(wanted), int), np.full(len(wanted), np.inf, np.float32)
    queries = wanted.astype(np.float32)
    for start in range(0, len(known), BLOCK):
        block = known[start : start + BLOCK].astype(np.float32)
        # |a - b|^2 but for |a|^2, which is the same for all b: one matrix product instead of N x M differences
        partial = (block * block).sum(1) - 2 * (queries @ block.T)
        best = partial.argmin(1)
        value = partial[np.arange(len(wanted)), best]
        index = np.where(value < least, start + best, index)
        least = np.minimum(value, least)
    away = wanted.astype(np.float32) - known[index]
    return index, np.sqrt((away * away).mean(1))


def nearest_figures(nearest: Nearest) -> dict[str, float | None]:
    """Median distance of the ``model``'s and of ``real`` clips, and ``copied``: the share of the model's clips that are
    nearer to a training clip than all but one in a hundred of the real ones. All None without clips."""
    if not len(nearest.model_distance) or not len(nearest.real_distance):
        return {"model": None, "real": None, "copied": None}
    bound = np.quantile(nearest.real_distance, NEAR)
    return {
        "model": round(float(np.median(nearest.model_distance)), 3),
        "real": round(float(np.median(nearest.real_distance)), 3),
        "copied": round(float((nearest.model_distance < bound).mean()), 4),
    }
