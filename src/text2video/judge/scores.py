"""From verdicts and requests to numbers: accuracies with intervals, angle error, path residual, constancy."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from scipy.optimize import linear_sum_assignment

from text2video.judge import rules
from text2video.judge.motion import fit_line, weighted_mean
from text2video.judge.scenes import Scenes
from text2video.judge.verdicts import ASPECTS, Verdicts, take
from text2video.measure.shares import wilson
from text2video.request import Request, Scene

Array = np.ndarray
Seen = Verdicts | Scenes
Requests = Sequence[Request] | Sequence[Scene]


@dataclass(frozen=True)
class Answers:
    """What N clips show beside what was asked: K objects asked for in all, those of one clip together."""

    asked: Sequence[Request]
    """The K objects asked for."""
    clip: Array
    """int[K]: the clip of each."""
    objects: Verdicts
    """On the K objects that are seen in their places; not detected where there is none."""
    fits: Array
    """bool[K, 5]: whether shape, colour, motion, size and speed are as asked; of the first three, an unclear one never
    is, and any other is where the request leaves it open."""
    complete: Array
    """bool[N]: whether there are as many objects as asked, and nothing else."""
    words: Array
    """bool[N]: whether all shapes, colours and motions asked for are there, on whatever objects."""
    background: Array
    """bool[N]: whether it is as asked."""

    @cached_property
    def right(self) -> dict[str, Array]:
        """Which clips show what was asked: bool[N] for shape, colour and motion (of all objects, and no object is left
        over) and ``joint``: all three, also the size, the speed and the background where they are asked for."""
        hits = np.repeat(self.complete[:, None], len(ASPECTS) + 1, 1)
        each = np.column_stack([self.fits[:, : len(ASPECTS)], self.alone])
        np.logical_and.at(hits, self.clip, each)
        hits[:, -1] &= self.background
        return dict(zip((*ASPECTS, "joint"), hits.T, strict=True))

    @property
    def alone(self) -> Array:
        """Which of the objects are right in all that was asked of them, bool[K]."""
        return np.asarray(self.fits.all(1))

    @property
    def swapped(self) -> Array:
        """Which clips show all objects, shapes, colours and motions asked for, but not together: bool[N]."""
        wrong = np.zeros(len(self.complete), bool)
        wrong[self.clip[~self.fits[:, : len(ASPECTS)].all(1)]] = True
        return self.complete & self.words & wrong

    @cached_property
    def score(self) -> dict[str, Any]:
        """All scores, ready for JSON (None, never NaN, where nothing was measured).

        ``shape``, ``colour``, ``motion``, ``joint``, ``detected``: {value, low, high, n}; ``angle_error_degrees``,
        ``path_residual_px``, ``colour_distance`` (ACD), ``area_variation``: {median, mean, n} over the objects that
        they apply to.
        """
        objects, seen = self.objects, self.objects.detected
        shares = {name: wilson(int(hit.sum()), len(hit)) for name, hit in (self.right | {"detected": seen}).items()}
        return {
            **shares,
            "angle_error_degrees": summary(angle_errors(objects, self.asked)),
            "path_residual_px": summary(objects.residual[seen]),
            "colour_distance": summary(colour_distances(objects)[seen]),
            "area_variation": summary(area_variations(objects)[seen]),
        }

    def faults(self, row: int) -> list[str]:
        """What is not as asked in a clip: the number of objects, aspects of them, the background."""
        if not self.complete[row]:
            return ["number of objects"]
        wrong = np.append(~self.fits[self.clip == row].all(0), ~self.background[row])
        return [name for name, fault in zip((*Request._fields, "background"), wrong, strict=True) if fault]


def compare(seen: Seen, asked: Requests) -> Answers:
    """What clips show beside what was asked of them. In scenes, the objects seen are assigned to those asked for, so
    that the most objects are right and, of such assignments, the most aspects. ValueError for another number of
    requests."""
    if len(asked) != len(seen):
        raise ValueError(f"{len(seen)} clips but {len(asked)} requests")
    if isinstance(seen, Scenes):
        return _compare_scenes(seen, cast(Sequence[Scene], asked))
    requests = cast(Sequence[Request], asked)
    wanted = _words([Request(*request[: len(ASPECTS)]) for request in requests])  # of size and speed, anything
    other = np.full(len(seen), "")
    fits = _fits(np.stack([seen.shape, seen.colour, seen.motion, other, other], 1), wanted)
    every = np.ones(len(seen), bool)
    return Answers(requests, np.arange(len(seen)), seen, fits, every, np.asarray(fits.all(1)), every)


def _compare_scenes(scenes: Scenes, asked: Sequence[Scene]) -> Answers:
    """:func:`compare` for scenes."""
    wanted = [one for scene in asked for one in scene.objects]
    counts = np.array([len(scene.objects) for scene in asked], int)
    starts = np.searchsorted(scenes.clip, np.arange(len(scenes)))
    rows, fits, words = [], [np.zeros((0, len(Request._fields)), bool)], []
    for start, seen, scene in zip(starts, scenes.seen, asked, strict=True):
        labels, want = _words(seen.objects), _words(scene.objects)
        pairs = _fits(labels, want[:, None])
        first, second = linear_sum_assignment(pairs.sum(2) + 100 * pairs.all(2), maximize=True)
        found = np.full(len(want), -1)
        found[first] = second
        rows += np.where(found >= 0, start + found, -1).tolist()
        fits.append(np.zeros(want.shape, bool))
        fits[-1][first] = pairs[first, second]
        words.append(not any(Counter(want[want[:, i] != "", i]) - Counter(labels[:, i]) for i in range(len(ASPECTS))))
    complete = scenes.clean & (counts == np.bincount(scenes.clip, minlength=len(scenes)))
    background = [scene.background in (None, seen.background) for scene, seen in zip(asked, scenes.seen, strict=True)]
    return Answers(
        asked=wanted,
        clip=np.repeat(np.arange(len(scenes)), counts),
        objects=take(scenes.verdicts, np.array(rows, int)),
        fits=np.concatenate(fits),
        complete=complete,
        words=np.array(words, bool),
        background=np.array(background, bool),
    )


def _words(requests: Sequence[Request]) -> Array:
    """The words of requests as an array, str[n, 5], "" for None."""
    return np.array([[word or "" for word in one] for one in requests], object).reshape(-1, len(Request._fields))


def _fits(labels: Array, wanted: Array) -> Array:
    """Whether ``labels`` str[..., 5] are as ``wanted``, "" for anything; bool[..., 5]."""
    fits = (labels == wanted) | (wanted == "")
    fits[..., : len(ASPECTS)] &= labels[..., : len(ASPECTS)] != ""
    return fits


def summary(values: Array) -> dict[str, Any]:
    """Median, mean and count, rounded, ready for JSON."""
    median, mean = (round(float(f(values)), 3) if len(values) else None for f in (np.median, np.mean))
    return {"median": median, "mean": mean, "n": len(values)}


def mean_known(values: Sequence[float | None], digits: int) -> float | None:
    """The rounded mean of the values that are not None; None where there is none."""
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), digits) if known else None


def angle_errors(verdicts: Verdicts, requests: Sequence[Request]) -> Array:
    """Degrees (0 to 180) between the asked direction and the travelled one, for detected clips that were asked for
    one of the eight directions and moved at all (by 3 % of the frame, 2 px at 64)."""
    asked = np.array([rules.DIRECTIONS.get(request.motion or "", np.nan) for request in requests], dtype=float)
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
    log = np.log(np.maximum(verdicts.tracks.area, 1e-9))
    weight = verdicts.tracks.whole.astype(float)
    _, line = fit_line(log, weight)
    return np.sqrt(weighted_mean((log - line) ** 2, weight)[:, 0])
