"""From judged clips to figures: what the judge says of each split in ``evaluation.json``, and what is too long for it.

DVC shows every number of a metrics file but none inside a list. So what an experiment wants compared stands in plain
numbers, and what explains it (intervals, the quality of each split) in lists: ``dvc metrics diff`` stays short.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np

from text2video.judge.scenes import Scenes
from text2video.judge.scores import Answers, Requests, Seen, angle_errors, compare, mean_known
from text2video.judge.verdicts import ASPECTS
from text2video.measure.shares import wilson
from text2video.request import Request, Scene

ACCURACIES = (*ASPECTS, "joint")
NUMBERS = ("one", "two", "three")
SHIFTS = 4  # ways to give scenes captions that are not theirs
QUALITIES = ("angle_error_degrees", "path_residual_px", "colour_distance", "area_variation")

Figures = dict[str, Any]


@dataclass(frozen=True)
class Judged:
    """One test split of N clips: what was asked, and what the judge saw in the model's clips, in real ones of the same
    captions, and in those when the model's codec has had them."""

    prompts: list[str]
    requests: Requests
    model: Seen
    real: Seen
    codec: Seen

    @cached_property
    def answers(self) -> dict[str, Answers]:
        """All three beside what was asked."""
        sides = {"model": self.model, "real": self.real, "codec": self.codec}
        return {side: compare(seen, self.requests) for side, seen in sides.items()}


def split_figures(split: str, splits: Mapping[str, Judged], tutorial: Mapping[str, Any]) -> Figures:
    """The figures of one split: accuracies {value, interval, n} with ceiling, codec, floor and, where there is one, the
    tutorial's; ``quality``, a list with a row for each of QUALITIES.

    Ceiling: the real clips. Codec: the same through the model's codec and back. Floor: real clips like those that were
    trained on (``seen``) under the captions of this split, each under all but its own: what a perfect painter would
    score who cannot read.
    """
    judged = splits[split]
    model, real, codec = (judged.answers[side].score for side in ("model", "real", "codec"))
    painter = splits["seen"] if "seen" in splits and len(splits["seen"].requests) else judged
    floor = unread(painter.real, judged.requests, own=painter is judged)
    figures: Figures = {name: _accuracy(model[name]) for name in ACCURACIES}
    if isinstance(judged.model, Scenes):
        figures["binding"] = {side: binding(answers) for side, answers in judged.answers.items()}
    theirs = {row["measure"]: row["model"] for row in tutorial.get("quality", [])}
    figures["quality"] = [
        {
            "measure": name,
            "model": model[name]["mean"],
            "ceiling": real[name]["mean"],
            "codec": codec[name]["mean"],
            "floor": floor.get(name),  # only the angle error looks at the caption
            "tutorial": theirs.get(name),
        }
        for name in QUALITIES
    ]
    figures["ceiling"] = {name: real[name]["value"] for name in ACCURACIES}
    figures["codec"] = {name: codec[name]["value"] for name in ACCURACIES}
    figures["floor"] = {name: floor[name] for name in ACCURACIES}
    if tutorial:
        figures["tutorial"] = {name: tutorial.get(name, {}).get("value") for name in ACCURACIES}
    return figures


def _accuracy(share: Figures) -> Figures:
    """A Wilson share {value, low, high, n} with its interval as a list."""
    return {"value": share["value"], "interval": [share["low"], share["high"]], "n": share["n"]}


def binding(answers: Answers) -> Figures:
    """Whether attributes stay with their objects, in scenes of several: shares {value, interval, n} of objects that are
    right each by itself (``alone``), of clips in which all are (``together``), and of clips that show all shapes,
    colours and motions, but on other objects (``swapped``); then of clips of one object, two and three that are right.
    """
    counts = np.bincount(answers.clip, minlength=len(answers.complete))
    several = counts > 1
    shares = {
        "alone": answers.alone[several[answers.clip]],
        "together": answers.right["joint"][several],
        "swapped": answers.swapped[several],
        **{name: answers.right["joint"][counts == number] for number, name in enumerate(NUMBERS, start=1)},
    }
    return {name: _accuracy(wilson(int(hits.sum()), len(hits))) for name, hits in shares.items()}


def unread(verdicts: Seen, asked: Requests, own: bool) -> dict[str, float | None]:
    """What clips score against captions that are not theirs: shares of ACCURACIES that come out right, and the mean
    angle error, None without pairs.

    Over every pair of a clip and a request of ``asked``: exact, where one shuffle would be a matter of luck. With
    ``own``, ``asked`` holds the clips' own requests in their order, and those pairs are left out.
    """
    if isinstance(verdicts, Scenes):
        return _unread_scenes(verdicts, cast(Sequence[Scene], asked))
    n, asked = len(verdicts), cast(Sequence[Request], asked)
    totals: dict[str, float] = dict.fromkeys(ACCURACIES, 0.0)
    angles, measured = 0.0, 0
    groups = [(times, [request] * n) for request, times in Counter(asked).items()]
    for times, requests in [*groups, *([(-1, list(asked))] if own else [])]:
        for name, hits in compare(verdicts, requests).right.items():
            totals[name] += times * float(hits.sum())
        errors = angle_errors(verdicts, requests)
        angles, measured = angles + times * float(errors.sum()), measured + times * len(errors)
    pairs = n * len(asked) - (n if own else 0)
    shares = {name: round(total / pairs, 4) if pairs else None for name, total in totals.items()}
    return shares | {"angle_error_degrees": round(angles / measured, 3) if measured else None}


def _unread_scenes(scenes: Scenes, asked: Sequence[Scene]) -> dict[str, float | None]:
    """:func:`unread` of scenes, over SHIFTS pairings of clips with captions that are not theirs."""
    rows = range(len(scenes))
    shifts = np.unique(np.linspace(1, len(asked) - 1, SHIFTS).astype(int)).tolist() if len(asked) > 1 else []
    pages = [compare(scenes, [asked[(row + shift) % len(asked)] for row in rows]).score for shift in shifts]
    shares = {name: mean_known([page[name]["value"] for page in pages], 4) for name in ACCURACIES}
    return shares | {"angle_error_degrees": mean_known([page["angle_error_degrees"]["mean"] for page in pages], 4)}


def overall_quality(splits: Mapping[str, Judged]) -> Figures:
    """Each of QUALITIES, averaged over the clips of all splits that it applies to: {model, real}."""
    return {
        name: {
            side: _pool([judged.answers[side].score[name] for judged in splits.values()]) for side in ("model", "real")
        }
        for name in QUALITIES
    }


def _pool(summaries: Sequence[Figures]) -> float | None:
    """Mean of means, weighted by their n."""
    known = [(entry["mean"], entry["n"]) for entry in summaries if entry["n"]]
    total = sum(n for _, n in known)
    return round(sum(mean * n for mean, n in known) / total, 3) if total else None


def judged_details(splits: Mapping[str, Judged]) -> Figures:
    """What is too long for ``evaluation.json``: a row for each prompt, confusion counts, and of each split all scores
    with their medians: of the model, of the real clips, and of the model's clips against the captions of all others in
    the split (a model that ignores its prompts scores there what it scores with its own)."""
    return {
        "prompts": prompt_rows(splits["prompts"]) if "prompts" in splits else [],
        "confusion": confusions(judged.answers["model"] for judged in splits.values()),
        "splits": {
            name: {
                "model": judged.answers["model"].score,
                "real": judged.answers["real"].score,
                "model_unread": unread(judged.model, judged.requests, own=True),
            }
            for name, judged in splits.items()
        },
    }


def prompt_rows(judged: Judged) -> list[Figures]:
    """One row for each distinct prompt, in the order of the split: what it asks for, accuracies, the ceiling."""
    hits, ceiling = judged.answers["model"].right, judged.answers["real"].right["joint"]
    prompts = np.array(judged.prompts, dtype=object)
    rows = []
    for prompt in dict.fromkeys(judged.prompts):
        own = np.flatnonzero(prompts == prompt)
        shares = {name: wilson(int(hits[name][own].sum()), len(own)) for name in ACCURACIES}
        told = judged.requests[own[0]]
        asked = told.labels() if isinstance(told, Scene) else told._asdict()
        rows.append({"prompt": prompt, "asked": asked, **shares, "ceiling": round(float(ceiling[own].mean()), 4)})
    return rows


def confusions(answers: Iterable[Answers]) -> dict[str, dict[str, dict[str, int]]]:
    """Counts asked -> judged ("unclear" for none) for each of ASPECTS; what a request leaves open does not count."""
    counts: dict[str, dict[str, Counter[str]]] = {aspect: {} for aspect in ASPECTS}
    for one in answers:
        for aspect, rows in counts.items():
            for request, seen in zip(one.asked, getattr(one.objects, aspect), strict=True):
                if (asked := getattr(request, aspect)) is not None:
                    rows.setdefault(asked, Counter())[seen or "unclear"] += 1
    return {
        aspect: {asked: dict(sorted(row.items())) for asked, row in sorted(rows.items())}
        for aspect, rows in counts.items()
    }
