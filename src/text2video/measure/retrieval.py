"""Retrieval: which of several captions goes with a video, by the text-video network's word (R-precision)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from text2video.measure.shares import wilson
from text2video.measure.words import words

Array = np.ndarray
CANDIDATES = 32  # captions to choose among, the right one included
FEWEST = 12  # videos: of fewer, the 95 % interval of a share of one half is wider than half of the scale


@dataclass(frozen=True)
class Questions:
    """For each of N videos, the captions to choose among: rows of a list of different captions."""

    own: Array  # int[N]: the right one
    others: list[Array]  # int[n] each, n < CANDIDATES: wrong ones

    @property
    def asked(self) -> Array:
        """bool[N]: for a caption that no other can be told from, there is nothing to ask."""
        return np.array([len(others) > 0 for others in self.others], bool)


def distinct(captions: Sequence[str]) -> list[str]:
    """One caption for each sequence of words, the first one: those that differ in case or punctuation are the same."""
    found: dict[tuple[str, ...], str] = {}
    for caption in captions:
        found.setdefault(tuple(words(caption)), caption)
    return list(found.values())


def make_questions(
    captions: Sequence[str], known: Sequence[str], seed: int, alike: Callable[[str, str], bool] | None = None
) -> Questions:
    """For each of ``captions`` up to CANDIDATES - 1 wrong ones, drawn by ``seed`` from ``known`` different captions,
    among which its own is; never one that may mean the same: by its words, and by ``alike``, if there is one."""
    rng = np.random.default_rng(seed)
    number = {tuple(words(caption)): row for row, caption in enumerate(known)}
    bags = [frozenset(words(caption)) for caption in known]
    own = np.array([number[tuple(words(caption))] for caption in captions], int)

    def same(row: int, other: int) -> bool:
        if bags[row] <= bags[other] or bags[other] <= bags[row]:  # "red circle moving up" shows "circle moving up", too
            return True
        return alike is not None and alike(known[row], known[other])

    def wrong(right: int) -> Array:
        found = (row for row in rng.permutation(len(known)).tolist() if not same(row, right))
        return np.fromiter(islice(found, CANDIDATES - 1), int)

    return Questions(own, [wrong(row) for row in own.tolist()])


def similarities(videos: Array, texts: Array) -> Array:
    """Cosine of the features float[N, D] of videos and float[K, D] of captions: float[N, K]; 0 for a caption without
    known words."""
    lengths = (np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-12) for a in (videos, texts))
    video, text = (a / length for a, length in zip((videos, texts), lengths, strict=True))
    return np.asarray(video @ text.T)


def hits(scores: Array, questions: Questions) -> Array:
    """float[N]: 1 where the right caption has a higher similarity than all wrong ones, 0 where some wrong one has more;
    1 / k where k captions, the right one among them, share the highest. ``scores`` float[N, K]."""
    rows = zip(scores, questions.own, questions.others, strict=True)
    shares = [(row[others] <= row[own]).all() / (1 + (row[others] == row[own]).sum()) for row, own, others in rows]
    return np.array(shares, float)


def floor(painter: Array, questions: Questions, own: bool) -> float | None:
    """What a perfect painter would score who cannot read: the mean over all questions and all of the painter's videos,
    whose similarities are float[M, K]. With ``own``, they are the videos that the questions are about, in their order,
    and each one's own question is left out. None where there is no such pair."""
    rows, videos = np.flatnonzero(questions.asked), len(painter) - own
    if not len(rows) or videos < 1:
        return None
    total = 0.0
    for row in rows.tolist():
        right, wrong = painter[:, questions.own[row], None], painter[:, questions.others[row]]
        share = (wrong <= right).all(1) / (1 + (wrong == right).sum(1))
        total += float(share.sum() - (share[row] if own else 0)) / videos
    return round(total / len(rows), 4)


def retrieval_figures(model: Array, real: Array, painter: Array, questions: Questions) -> dict[str, Any]:
    """R-precision from similarities float[N, K] of the ``model``'s videos, and of ``real`` ones of the same captions.

    ``value`` with its 95 % ``interval`` over ``n`` videos; ``candidates``, the most captions that there are to choose
    among; ``ceiling`` (the real videos), ``floor`` (videos of ``painter`` float[M, K], whatever the caption),
    ``chance`` (guessing). What is measured is None for fewer than FEWEST videos; all is, and n 0, where there is
    nothing to choose.
    """
    asked = questions.asked
    n = int(asked.sum())
    enough = n >= FEWEST
    found = wilson(float(hits(model, questions)[asked].sum()), n if enough else 0)
    choices = np.array([len(others) + 1 for others in questions.others], float)[asked]
    return {
        "value": found["value"],
        "interval": [found["low"], found["high"]],
        "n": n,
        "candidates": int(choices.max()) if n else None,
        "ceiling": round(float(hits(real, questions)[asked].mean()), 4) if enough else None,
        "floor": floor(painter, questions, own=painter is real) if enough else None,
        "chance": round(float((1 / choices).mean()), 4) if n else None,
    }
