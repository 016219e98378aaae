"""Flicker: how much the pixels jump to and fro between frames."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


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
