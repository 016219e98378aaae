"""How varied the model's clips of one prompt are, against real clips of the same prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from text2video.judge import Verdicts
from text2video.judge.diversity import mode_recall, trait_distances

Array = NDArray[Any]
TRAITS = ("start_x", "start_y", "speed", "size")
ROUNDS = 8  # ways to cut the clips in halves, averaged


def take(verdicts: Verdicts, rows: Array) -> Verdicts:
    """The verdicts on the clips ``rows``, int[n]."""
    tracks = {field.name: getattr(verdicts.tracks, field.name)[rows] for field in fields(verdicts.tracks)}
    own = {
        field.name: getattr(verdicts, field.name)[rows]
        for field in fields(verdicts)
        if field.name != "tracks"
    }
    return Verdicts(**own, tracks=replace(verdicts.tracks, **tracks))


def diversity(
    prompts: Sequence[str], model: Verdicts, real: Verdicts, seed: int
) -> dict[str, dict[str, float | None]]:
    """How far clips of one prompt are from real clips of that prompt: {model, real} for each of TRAITS (mean over the
    prompts of the Wasserstein distance, in pixels or pixels per frame) and ``mode_recall`` (share of the real modes
    that are there too, see judge/diversity.py).

    ``real`` is the floor: real clips against other real ones, as many of each. So every set is cut in halves, and half
    of the model's and half of the real clips are each held against the other half of the real ones; a distance between
    small samples is never zero, but for both sides it is off by the same. None where a prompt has fewer than two clips.
    """
    rng = np.random.default_rng(seed)
    known = np.array(prompts, dtype=object)
    groups = [np.flatnonzero(known == prompt) for prompt in dict.fromkeys(prompts)]
    found: dict[str, list[dict[str, float | None]]] = {"model": [], "real": []}
    for _ in range(ROUNDS):
        halves = [_halves(rows, rng) for rows in groups if len(rows) > 1]
        if not halves:
            continue
        for side, verdicts, rows in (
            ("model", model, [h[2] for h in halves]),
            ("real", real, [h[0] for h in halves]),
        ):
            others = [h[1] for h in halves]
            distances = [
                trait_distances(take(verdicts, a), take(real, b)) for a, b in zip(rows, others, strict=True)
            ]
            a, b = np.concatenate(rows), np.concatenate(others)
            recall = mode_recall(take(verdicts, a), known[a].tolist(), take(real, b), known[b].tolist())
            means = {trait: _mean([distance[trait] for distance in distances]) for trait in TRAITS}
            found[side].append({**means, "mode_recall": recall["value"]})
    names = (*TRAITS, "mode_recall")
    return {
        name: {side: _mean([row[name] for row in rows]) for side, rows in found.items()} for name in names
    }


def _halves(rows: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Two disjoint halves of ``rows``, and a third of the same size drawn for itself (of the model's clips)."""
    half, order = len(rows) // 2, rng.permutation(rows)
    return order[:half], order[half : 2 * half], rng.permutation(rows)[:half]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 3) if known else None


def times_real(entry: Mapping[str, Any]) -> float | None:
    """``model`` over ``real``; None where either is missing or there is nothing to divide by."""
    model, real = entry.get("model"), entry.get("real")
    return model / real if model is not None and real else None
