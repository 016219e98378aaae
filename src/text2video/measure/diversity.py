"""Diversity without labels: how different two videos of one caption are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from text2video.measure.words import words

Array = NDArray[Any]


def same_caption(captions: Sequence[str]) -> list[Array]:
    """The rows of each caption that comes more than once; all rows together where there is none."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for row, caption in enumerate(captions):
        groups.setdefault(tuple(words(caption)), []).append(row)
    repeated = [np.array(rows) for rows in groups.values() if len(rows) > 1]
    return repeated or [np.arange(len(captions))]


def pair_distance(points: Array, groups: Sequence[Array]) -> float | None:
    """Root mean square difference per number between two different points [N, D] of one group: the mean over the pairs
    of each group, and over the groups. 0 when all are alike; None where no group has two."""
    means = []
    for rows in groups:
        n = len(rows)
        if n > 1:
            own = points[rows].astype(np.float64)
            own -= own.mean(0)  # large numbers that are all alike would drown what differs
            length = (own * own).sum(1)
            square = (length[:, None] + length - 2 * own @ own.T) / own.shape[1]
            means.append(float(np.sqrt(square[np.triu_indices(n, 1)].clip(0)).mean()))
    return float(np.mean(means)) if means else None


def diversity_figures(
    captions: Sequence[str], thumbnails: tuple[Array, Array], features: tuple[Array, Array]
) -> dict[str, dict[str, float | None]]:
    """``pixel_distance`` between two videos of one caption, in grey levels of their thumbnails, and
    ``feature_distance``, in units of the spread of the real videos' features: {model, real} each. Both sides, (model's,
    real ones'), have the same captions. Where no caption comes twice, between any two videos."""
    groups = same_caption(captions)
    spread = np.maximum(features[1].std(0), 1e-6) if len(features[1]) else 1.0
    found = {
        "pixel_distance": [pair_distance(points, groups) for points in thumbnails],
        "feature_distance": [pair_distance(points / spread, groups) for points in features],
    }
    return {
        name: {
            side: None if value is None else round(value, 3)
            for side, value in zip(("model", "real"), values, strict=True)
        }
        for name, values in found.items()
    }
