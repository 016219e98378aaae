"""What clips of several objects show: each object's labels, the background, and whether that is what was asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from text2video.judge import rules
from text2video.judge.objects import find_objects
from text2video.judge.verdicts import ASPECTS, Verdicts, name_tracks, take
from text2video.request import Request, Scene

Array = NDArray[Any]
GROWING = ("shrinking", "expanding")


@dataclass(frozen=True)
class Scenes:
    """What the judge sees in N clips."""

    seen: list[Scene]
    """Of each clip all objects, with "" for what is unclear, and the background."""
    clean: Array
    """bool[N]: whether there is nothing else to be seen."""
    verdicts: Verdicts
    """On the objects of all clips, in their order."""
    clip: Array
    """int[M]: the clip of each object."""

    def __len__(self) -> int:
        return len(self.seen)


def take_scenes(scenes: Scenes, n: int) -> Scenes:
    """The first ``n`` clips."""
    rows = np.flatnonzero(scenes.clip < n)
    return Scenes(scenes.seen[:n], scenes.clean[:n], take(scenes.verdicts, rows), scenes.clip[rows])


def judge_scenes(clips: Array, fps: float = 10.0) -> Scenes:
    """Judge ``clips`` (uint8[N, T, H, W, 3], RGB) of one or more objects before any plain, striped, checked or graded
    background from their pixels alone. ValueError for anything else."""
    found = find_objects(clips)
    height, width = clips.shape[2:4]
    verdicts = name_tracks(found.tracks, height, width)
    labels = (verdicts.shape, verdicts.colour, verdicts.motion, *_relative(verdicts, min(height, width), fps))
    objects = [Request(*map(str, row)) for row in zip(*labels, strict=True)]
    ends = np.searchsorted(found.clip, np.arange(len(clips) + 1))
    seen = [
        Scene(tuple(objects[ends[i] : ends[i + 1]]), str(name)) for i, name in enumerate(found.background)
    ]
    return Scenes(seen, found.clean, verdicts, found.clip)


def _relative(verdicts: Verdicts, side: int, fps: float) -> tuple[Array, Array]:
    """The words for the size of each object, at its largest, and for the speed of those that move straight, str[M]
    each; "" where neither is true."""
    area = verdicts.tracks.area * verdicts.tracks.whole
    largest = np.isin(verdicts.motion, GROWING)
    radius = np.sqrt(np.where(largest, area.max(1, initial=0) / np.pi, verdicts.size**2 / np.pi)) / side
    speed = verdicts.speed * fps / side
    size = np.select([radius <= rules.SMALL_RADIUS, radius >= rules.LARGE_RADIUS], rules.SIZES, "")
    pace = np.select([speed <= rules.SLOW, speed >= rules.QUICK], rules.SPEEDS, "")
    straight = np.isin(verdicts.motion, list(rules.DIRECTIONS))
    return np.where(verdicts.detected, size, ""), np.where(verdicts.detected & straight, pace, "")


def right_scenes(scenes: Scenes, asked: Sequence[Scene]) -> dict[str, Array]:
    """Which clips show what was asked: bool[N] for shape, colour and motion (of all objects, and no object is left
    over) and ``joint``: every object is right in all of them, in its size and speed if they are asked for, and so is
    the background. Each object asked for is held against one that is seen, as ``match`` assigns them."""
    hits = np.zeros((len(asked), len(ASPECTS) + 1), bool)
    for i, (rows, want, seen) in enumerate(zip(match(scenes, asked), asked, scenes.seen, strict=True)):
        if len(seen.objects) == len(want.objects) == (rows >= 0).sum() and scenes.clean[i]:
            pairs = [_fits(seen.objects[j], one) for j, one in zip(rows, want.objects, strict=True)]
            hits[i, :-1] = np.all([pair[: len(ASPECTS)] for pair in pairs], axis=0)
            hits[i, -1] = np.all(pairs) and want.background in (None, seen.background)
    return dict(zip((*ASPECTS, "joint"), hits.T, strict=True))


def swapped(scenes: Scenes, asked: Sequence[Scene]) -> Array:
    """Which clips show as many objects as asked, with all shapes, colours and motions, but not together: bool[N]."""
    joint = right_scenes(scenes, asked)["joint"]
    alike = [
        len(want.objects) == len(seen.objects)
        and not any(
            Counter(one[i] for one in want.objects if one[i]) - Counter(one[i] for one in seen.objects)
            for i in range(len(ASPECTS))
        )
        and not all(all(_fits(seen.objects[j], one)) for j, one in zip(rows, want.objects, strict=True))
        for rows, want, seen in zip(match(scenes, asked), asked, scenes.seen, strict=True)
    ]
    return np.array(alike, bool) & scenes.clean & ~joint


def right_alone(scenes: Scenes, asked: Sequence[Scene]) -> Array:
    """Which of the objects asked for, of all clips in their order, are right in all that was asked: bool[objects]."""
    return np.array(
        [
            bool(j >= 0) and all(_fits(seen.objects[j], one))
            for rows, want, seen in zip(match(scenes, asked), asked, scenes.seen, strict=True)
            for j, one in zip(rows, want.objects, strict=True)
        ],
        bool,
    )


def match(scenes: Scenes, asked: Sequence[Scene]) -> list[Array]:
    """For each clip the numbers of the objects seen, one for each object asked for, -1 where there are too few: the
    assignment with the most objects right and, of those, the most aspects."""
    if len(asked) != len(scenes):
        raise ValueError(f"{len(scenes)} clips but {len(asked)} requests")
    found = []
    for seen, want in zip(scenes.seen, asked, strict=True):
        rows = np.full(len(want.objects), -1)
        if seen.objects:
            fits = np.array([[_fits(has, one) for has in seen.objects] for one in want.objects], int)
            first, second = linear_sum_assignment(fits.sum(2) + 100 * fits.all(2), maximize=True)
            rows[first] = second
        found.append(rows)
    return found


def objects_asked(scenes: Scenes, asked: Sequence[Scene]) -> tuple[Verdicts, list[Request]]:
    """The verdict on each object that was asked for, of all clips in their order, and what was asked of it; not
    detected where there is none. So the measures of one object apply."""
    starts = np.searchsorted(scenes.clip, np.arange(len(scenes)))
    rows = [
        np.where(found >= 0, start + found, -1)
        for start, found in zip(starts, match(scenes, asked), strict=True)
    ]
    wanted = [one for want in asked for one in want.objects]
    return take(scenes.verdicts, np.concatenate([np.zeros(0, int), *rows])), wanted


def _fits(seen: Request, asked: Request) -> list[bool]:
    """Whether an object has a shape, a colour and a motion that are asked for; the size and the speed that are."""
    named = [bool(has) and want in (None, has) for has, want in zip(seen[:3], asked[:3], strict=True)]
    return named + [want in (None, has) for has, want in zip(seen[3:], asked[3:], strict=True)]


def faults(scenes: Scenes, asked: Scene) -> list[str]:
    """What is not as asked in the only clip: the number of objects, aspects of them, the background."""
    seen, rows = scenes.seen[0], match(scenes, [asked])[0]
    if len(seen.objects) != len(asked.objects) or not scenes.clean[0]:
        return ["number of objects"]
    fits = np.array([_fits(seen.objects[j], one) for j, one in zip(rows, asked.objects, strict=True)])
    wrong = [
        aspect for aspect, fit in zip(Request._fields, np.atleast_1d(fits.all(0)), strict=True) if not fit
    ]
    return wrong + (["background"] if asked.background not in (None, seen.background) else [])


def sentence(scene: Scene) -> str:
    """A scene in words: "a small red circle moving left slowly and a blue ring shrinking, on a striped background"."""
    if not scene.objects:
        return "nothing" + _backdrop(scene)
    told = [_clause(one) for one in scene.objects]
    return (" and ".join([", ".join(told[:-1]), told[-1]] if told[1:] else told)) + _backdrop(scene)


def _clause(one: Request) -> str:
    moving = f"moving {one.motion}" if one.motion in rules.DIRECTIONS else one.motion
    words = [one.size, one.colour or "(unclear colour)", one.shape or "(unclear shape)"]
    words += [moving or "(unclear motion)", one.speed]
    text = " ".join(word for word in words if word)
    return ("an " if text.lstrip("(")[0] in "aeiou" else "a ") + text


def _backdrop(scene: Scene) -> str:
    return f", on a {scene.background} background" if scene.background else ""
