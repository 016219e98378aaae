"""The Fréchet distance between two sets of features."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


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
    happens to scale its features. None for fewer than two clips."""
    n = min(len(model), len(real), len(others))
    if n < 2:
        return {"model": None, "real": None}
    scale = np.maximum(real.std(0), 1e-6)
    model, real, others = (features[:n] / scale for features in (model, real, others))
    return {name: round(frechet_distance(features, real), 3) for name, features in (("model", model), ("real", others))}
