"""From verdicts and requests to numbers: accuracies with intervals, angle error, path residual, constancy."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from text2video.judge import rules
from text2video.judge.scenes import Scenes, objects_asked, right_scenes
from text2video.judge.verdicts import ASPECTS, Verdicts
from text2video.measure.shares import wilson
from text2video.request import Request, Scene

Array = NDArray[Any]
Seen = Verdicts | Scenes
Requests = Sequence[Request] | Sequence[Scene]


def right(verdicts: Seen, requests: Requests) -> dict[str, Array]:
    """Which clips show what was asked: bool[N] for shape, colour, motion and joint (all three; see ``right_scenes``).

    Where a request leaves an aspect open (None), any recognised label is right; an unclear one never is.
    """
    if isinstance(verdicts, Scenes):
        return right_scenes(verdicts, cast(Sequence[Scene], requests))
    if len(requests) != len(verdicts):
        raise ValueError(f"{len(verdicts)} clips but {len(requests)} requests")
    hits = {}
    for i, aspect in enumerate(ASPECTS):
        seen = getattr(verdicts, aspect)
        asked = np.array([request[i] or "" for request in requests], dtype=object)
        hits[aspect] = (seen != "") & ((seen == asked) | (asked == ""))
    return {**hits, "joint": hits["shape"] & hits["colour"] & hits["motion"]}


def score(verdicts: Seen, requests: Requests) -> dict[str, Any]:
    """All scores of ``verdicts`` against ``requests``, ready for JSON (None, never NaN, where nothing was measured).

    ``shape``, ``colour``, ``motion``, ``joint``, ``detected``: {value, low, high, n}; ``angle_error_degrees``,
    ``path_residual_px``, ``colour_distance`` (ACD), ``area_variation``: {median, mean, n} over the objects that they
    apply to.
    """
    hits = right(verdicts, requests)
    shares = {name: wilson(int(hit.sum()), len(hit)) for name, hit in hits.items()}
    verdicts, requests = by_object(verdicts, requests)
    seen = verdicts.detected
    shares["detected"] = wilson(int(seen.sum()), len(seen))
    return {
        **shares,
        "angle_error_degrees": summary(angle_errors(verdicts, requests)),
        "path_residual_px": summary(verdicts.residual[seen]),
        "colour_distance": summary(colour_distances(verdicts)[seen]),
        "area_variation": summary(area_variations(verdicts)[seen]),
    }


def by_object(verdicts: Seen, requests: Requests) -> tuple[Verdicts, Sequence[Request]]:
    """The verdict on each object that was asked for, and what was asked of it; of one object a clip, just these."""
    if isinstance(verdicts, Scenes):
        return objects_asked(verdicts, cast(Sequence[Scene], requests))
    return verdicts, cast(Sequence[Request], requests)


def summary(values: Array) -> dict[str, Any]:
    """Median, mean and count, rounded, ready for JSON."""
    if len(values) == 0:
        return {"median": None, "mean": None, "n": 0}
    return {
        "median": round(float(np.median(values)), 3),
        "mean": round(float(np.mean(values)), 3),
        "n": len(values),
    }


def angle_errors(verdicts: Verdicts, requests: Sequence[Request]) -> Array:
    """Degrees (0 to 180) between the asked direction and the travelled one, for detected clips that were asked for
    one of the eight directions and moved at all (by 3 % of the frame, 2 px at 64)."""
    asked = np.array(
        [rules.DIRECTIONS.get(request.motion or "", np.nan) for request in requests], dtype=float
    )
    use = ~np.isnan(asked) & verdicts.detected & (verdicts.displacement >= 2.0)
    return np.abs((verdicts.direction - asked + 180) % 360 - 180)[use]


def colour_distances(verdicts: Verdicts) -> Array:
    """Average colour distance of each clip, float[N]: the mean over all pairs of frames of the RGB distance (0 to 441)
    between the object's mean colours (ACD of MoCoGAN, Tulyakov et al., CVPR 2018, section 4)."""
    colour, used = verdicts.tracks.colour, verdicts.tracks.present
    distance = np.linalg.norm(colour[:, :, None] - colour[:, None], axis=3)
    first, second = np.triu_indices(colour.shape[1], 1)
    pairs = (used[:, :, None] & used[:, None])[:, first, second]
    return (distance[:, first, second] * pairs).sum(1) / np.maximum(pairs.sum(1), 1)


def area_variations(verdicts: Verdicts) -> Array:
    """Flicker of the size of each clip, float[N]: standard deviation of ln(area) about its straight line over time, in
    the frames that show the object whole. Steady growth costs nothing; 0.05 is 5 % of the area."""
    area, weight = verdicts.tracks.area, verdicts.tracks.whole.astype(float)
    frame = np.broadcast_to(np.arange(area.shape[1], dtype=float), area.shape)
    total = np.maximum(weight.sum(1, keepdims=True), 1)
    log = np.log(np.maximum(area, 1e-9))
    x = frame - (frame * weight).sum(1, keepdims=True) / total
    y = log - (log * weight).sum(1, keepdims=True) / total
    slope = (weight * x * y).sum(1, keepdims=True) / np.maximum((weight * x * x).sum(1, keepdims=True), 1e-9)
    return np.sqrt((weight * (y - slope * x) ** 2).sum(1) / total[:, 0])


def confusion(verdicts: Verdicts, requests: Sequence[Request], aspect: str) -> dict[str, dict[str, int]]:
    """Counts asked -> judged ("unclear" for none) of shape, colour or motion; open requests do not count."""
    counts: dict[str, dict[str, int]] = {}
    for request, seen in zip(requests, getattr(verdicts, aspect), strict=True):
        asked = getattr(request, aspect)
        if asked is not None:
            row = counts.setdefault(asked, {})
            row[seen or "unclear"] = row.get(seen or "unclear", 0) + 1
    return counts
