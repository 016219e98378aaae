"""Measures of sets of clips without labels: flicker, the Fréchet distance, and how varied videos of one caption are."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial.distance import pdist

from text2video.measure.retrieval import FEWEST
from text2video.measure.words import words

Array = np.ndarray


def flicker(clips: Array) -> Array:
    """The mean over pixels, channels and frames of |x[t - 1] - 2 x[t] + x[t + 1]|, in grey levels: float[N] of clips
    uint8[N, T, H, W, 3]. A steady change of brightness costs nothing, one frame that flashes by v costs 4 v / (T - 2).
    NaN for fewer than three frames."""
    if clips.shape[1] < 3:
        return np.full(len(clips), np.nan)
    return np.array([np.abs(np.diff(clip.astype(np.int16), 2, axis=0)).mean() for clip in clips], float)


def flicker_figures(model: Array, real: Array) -> dict[str, float | None]:
    """Mean flicker of the model's and of the real clips; None where there is none."""
    means = {"model": model[np.isfinite(model)], "real": real[np.isfinite(real)]}
    return {name: round(float(values.mean()), 3) if len(values) else None for name, values in means.items()}


def frechet_distance(first: Array, second: Array) -> float:
    """Squared Fréchet distance of the normal distributions fitted to two sets of features float[N, D] and float[M, D]
    (Heusel et al., NeurIPS 2017; on video features: Unterthiner et al., arXiv 1812.01717). At least two of each."""
    means = first.mean(0), second.mean(0)
    a, b = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    # trace of (a b)^1/2, by the symmetric matrix with the same eigenvalues
    shared = np.sqrt(np.linalg.eigvalsh(root @ b @ root).clip(0)).sum()
    return float(((means[0] - means[1]) ** 2).sum() + np.trace(a) + np.trace(b) - 2 * shared)


def frechet_figures(model: Array, real: Array, others: Array) -> dict[str, float | None]:
    """Distance of the ``model``'s features to those of real clips, and of other real clips' to them (``real``, the
    floor), with as many clips each. In units of the real clips' spread, so that it does not hang on how the network
    happens to scale its features. None for fewer than FEWEST clips, of which it would be noise."""
    n = min(len(model), len(real), len(others))
    if n < FEWEST:
        return {"model": None, "real": None}
    scale = np.maximum(real.std(0), 1e-6)
    model, real, others = (features[:n] / scale for features in (model, real, others))
    return {name: round(frechet_distance(features, real), 3) for name, features in (("model", model), ("real", others))}


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
    means = [pdist(points[rows].astype(np.float64)).mean() for rows in groups if len(rows) > 1]
    return round(float(np.mean(means)) / points.shape[1] ** 0.5, 3) if means else None


def diversity_figures(
    captions: Sequence[str], thumbnails: tuple[Array, Array], features: tuple[Array, Array]
) -> dict[str, dict[str, float | None]]:
    """``pixel_distance`` between two videos of one caption, in grey levels of their thumbnails, and
    ``feature_distance``, in units of the spread of the real videos' features: {model, real} each. Both sides, (model's,
    real ones'), have the same captions. Where no caption comes twice, between any two videos."""
    groups = same_caption(captions)
    spread = np.maximum(features[1].std(0), 1e-6) if len(features[1]) else 1.0
    measured = {"pixel_distance": thumbnails, "feature_distance": (features[0] / spread, features[1] / spread)}
    return {
        name: {"model": pair_distance(model, groups), "real": pair_distance(real, groups)}
        for name, (model, real) in measured.items()
    }
