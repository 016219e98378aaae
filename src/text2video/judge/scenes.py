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
from text2video.judge.verdicts import Verdicts, name_tracks
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
    """The words for the size and the speed of each object, str[M] each, "" where neither is true."""
    area = verdicts.tracks.area * verdicts.tracks.whole
    largest = np.isin(verdicts.motion, GROWING)
    radius = np.sqrt(np.where(largest, area.max(1, initial=0) / np.pi, verdicts.size**2 / np.pi)) / side
    speed = verdicts.speed * fps / side
    size = np.select([radius <= rules.SMALL_RADIUS, radius >= rules.LARGE_RADIUS], rules.SIZES, "")
    pace = np.select([speed <= rules.SLOW, speed >= rules.QUICK], rules.SPEEDS, "")
    return np.where(verdicts.detected, size, ""), np.where(verdicts.detected & ~largest, pace, "")


def shows(seen: Request, asked: Request) -> bool:
    """Whether an object has a shape, a colour and a motion, and all that is asked of it."""
    return all(seen[:3]) and all(want in (None, "", has) for want, has in zip(asked, seen, strict=True))


def right_scenes(scenes: Scenes, asked: Sequence[Scene]) -> dict[str, Array]:
    """Which clips show what was asked: bool[N] for ``together`` (each object asked for is one that is seen, none is left
    over, and the background is right), ``background``, ``count`` and ``swapped`` (not right together, though all
    shapes, all colours and all motions are those that were asked for); ``objects``, int[N]: how many objects asked for
    are seen, in the best of all assignments."""
    if len(asked) != len(scenes):
        raise ValueError(f"{len(scenes)} clips but {len(asked)} requests")
    rows = [_match(seen, want) for seen, want in zip(scenes.seen, asked, strict=True)]
    objects, count, background, swapped = (
        (np.array(part) for part in zip(*rows, strict=True)) if rows else np.zeros((4, 0))
    )
    count = count.astype(bool) & scenes.clean
    whole = np.array([len(want.objects) for want in asked], int)
    together = (objects == whole) & count & background.astype(bool)
    return {
        "together": together,
        "objects": objects.astype(int),
        "count": count,
        "background": background.astype(bool),
        "swapped": swapped.astype(bool) & ~together & count,
    }


def _match(seen: Scene, asked: Scene) -> tuple[int, bool, bool, bool]:
    """How many objects are right; whether their number, the background, and each aspect by itself is."""
    hits = np.array([[shows(has, want) for has in seen.objects] for want in asked.objects], int)
    hits = hits.reshape(len(asked.objects), len(seen.objects))
    found = int(hits[linear_sum_assignment(hits, maximize=True)].sum())
    background = asked.background in (None, "", seen.background)
    aspects = all(
        Counter(filter(None, (want[i] for want in asked.objects))) <= Counter(has[i] for has in seen.objects)
        for i in range(3)
    )
    return found, len(seen.objects) == len(asked.objects), background, aspects and found < len(asked.objects)


def sentence(scene: Scene) -> str:
    """A scene in words: "a small red circle moving left slowly and a blue square shrinking, on a striped background"."""
    if not scene.objects:
        return "nothing" + _backdrop(scene)
    told = [_clause(one) for one in scene.objects]
    return (" and ".join([", ".join(told[:-1]), told[-1]] if told[1:] else told)) + _backdrop(scene)


def _clause(one: Request) -> str:
    moving = f"moving {one.motion}" if one.motion in rules.DIRECTIONS else one.motion
    words = [one.size, one.colour or "(unclear colour)", one.shape or "(unclear shape)"]
    words += [moving or "(unclear motion)", one.speed]
    text = " ".join(word for word in words if word)
    return ("an " if text[0] in "aeiou" else "a ") + text


def _backdrop(scene: Scene) -> str:
    return f", on a {scene.background} background" if scene.background else ""
