"""How varied clips are, against real clips of the same prompts: by the tracks that the judge follows, not by eye."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from text2video.judge.verdicts import Verdicts

Array = NDArray[Any]


def traits(verdicts: Verdicts) -> dict[str, Array]:
    """Start (x, y), speed and size of the detected clips, float[n] each, in pixels (per frame)."""
    seen = verdicts.detected
    x, y = verdicts.start[seen].T
    return {"start_x": x, "start_y": y, "speed": verdicts.speed[seen], "size": verdicts.size[seen]}


def trait_distances(verdicts: Verdicts, real: Verdicts) -> dict[str, float | None]:
    """Wasserstein distance in pixels between each trait's distribution and that in ``real`` clips: 0 for the same, and
    about the spread of the real ones for clips that are all alike. None where either side has no detected clip."""
    mine, theirs = traits(verdicts), traits(real)
    return {
        name: round(float(wasserstein_distance(mine[name], theirs[name])), 3)
        if len(mine[name]) and len(theirs[name])
        else None
        for name in mine
    }


def mode_recall(
    verdicts: Verdicts, prompts: Sequence[str], real: Verdicts, real_prompts: Sequence[str]
) -> dict[str, float | int | None]:
    """Share of the modes of ``real`` clips that the clips of the same prompt have too: {value, n}, n modes in all.

    A mode is what a clip starts like, as far as a viewer would tell the difference: its shape and colour, in which of
    the four quarters it starts and whether it is large, each cut at the median of the prompt's real clips. With as many
    clips as real ones, a second draw of real clips shows what can be had. Value is None where there are no modes.
    """
    found = n = 0
    ours, asked = np.array(prompts, dtype=object), np.array(real_prompts, dtype=object)
    for prompt in dict.fromkeys(real_prompts):
        rows = np.flatnonzero((asked == prompt) & real.detected)
        if len(rows) == 0:
            continue
        cuts = np.median(_features(real)[rows], axis=0)
        modes = _modes(real, rows, cuts)
        found += len(modes & _modes(verdicts, np.flatnonzero((ours == prompt) & verdicts.detected), cuts))
        n += len(modes)
    return {"value": round(found / n, 4) if n else None, "n": n}


def _features(verdicts: Verdicts) -> Array:
    """Start and size of each clip, float[N, 3]."""
    return np.column_stack([verdicts.start, verdicts.size])


def _modes(verdicts: Verdicts, rows: Array, cuts: Array) -> set[tuple[Any, ...]]:
    """The modes that the clips ``rows`` show."""
    sides = _features(verdicts)[rows] > cuts
    return {
        (verdicts.shape[row], verdicts.colour[row], *side)
        for row, side in zip(rows, sides.tolist(), strict=True)
    }
