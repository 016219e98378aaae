"""How varied clips are, against real clips of the same prompts: by the tracks that the judge follows, not by eye."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import wasserstein_distance

from text2video.judge.scores import mean_known
from text2video.judge.verdicts import Verdicts, take

Array = np.ndarray
TRAITS = ("start_x", "start_y", "speed", "size")
ROUNDS = 8  # ways to cut the clips in halves, averaged


def traits(verdicts: Verdicts) -> dict[str, Array]:
    """Start (x, y), speed and size of the detected clips, float[n] each, in pixels (per frame)."""
    seen = verdicts.detected
    x, y = verdicts.start[seen].T
    return {"start_x": x, "start_y": y, "speed": verdicts.speed[seen], "size": verdicts.size[seen]}


def trait_distances(verdicts: Verdicts, real: Verdicts) -> dict[str, float | None]:
    """Wasserstein distance in pixels between each trait's distribution and that in ``real`` clips: 0 for the same, and
    about the spread of the real ones for clips that are all alike. None where either side has no detected clip."""
    mine, theirs = traits(verdicts), traits(real)
    if not (verdicts.detected.any() and real.detected.any()):
        return dict.fromkeys(TRAITS)
    return {name: round(float(wasserstein_distance(mine[name], theirs[name])), 3) for name in mine}


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
    return {(verdicts.shape[row], verdicts.colour[row], *side) for row, side in zip(rows, sides.tolist(), strict=True)}


def trait_diversity(
    prompts: Sequence[str], model: Verdicts, real: Verdicts, seed: int
) -> dict[str, dict[str, float | None]]:
    """How far clips of one prompt are from real clips of that prompt: {model, real} for each of TRAITS (mean over the
    prompts of the Wasserstein distance, in pixels or pixels per frame) and ``mode_recall`` (share of the real modes
    that are there too).

    ``real`` is the floor: real clips against other real ones, as many of each. So every set is cut in halves, and half
    of the model's and half of the real clips are each held against the other half of the real ones; a distance between
    small samples is never zero, but for both sides it is off by the same. None where a prompt has fewer than two clips.
    """
    rng = np.random.default_rng(seed)
    known = np.array(prompts, dtype=object)
    groups = [np.flatnonzero(known == prompt) for prompt in dict.fromkeys(prompts)]
    groups = [rows for rows in groups if len(rows) > 1]
    found: dict[str, list[dict[str, float | None]]] = {"model": [], "real": []}
    for _ in range(ROUNDS if groups else 0):
        firsts, others, drawn = zip(*(_halves(rows, rng) for rows in groups), strict=True)
        for side, verdicts, rows in (("model", model, drawn), ("real", real, firsts)):
            distances = [trait_distances(take(verdicts, a), take(real, b)) for a, b in zip(rows, others, strict=True)]
            a, b = np.concatenate(rows), np.concatenate(others)
            recall = mode_recall(take(verdicts, a), known[a].tolist(), take(real, b), known[b].tolist())
            means = {trait: mean_known([distance[trait] for distance in distances], 3) for trait in TRAITS}
            found[side].append({**means, "mode_recall": recall["value"]})
    names = (*TRAITS, "mode_recall")
    return {name: {side: mean_known([row[name] for row in rows], 3) for side, rows in found.items()} for name in names}


def _halves(rows: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Two disjoint halves of ``rows``, and a third of the same size drawn for itself (of the model's clips)."""
    half, order = len(rows) // 2, rng.permutation(rows)
    return order[:half], order[half : 2 * half], rng.permutation(rows)[:half]
