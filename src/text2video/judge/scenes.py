"""What clips of several objects show: each object's labels and the background, also in words."""

from dataclasses import dataclass

import numpy as np

from text2video.judge import rules
from text2video.judge.objects import find_objects
from text2video.judge.verdicts import Verdicts, name_tracks
from text2video.request import Request, Scene

Array = np.ndarray
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
    tracks, clip, backgrounds, clean = find_objects(clips)
    height, width = clips.shape[2:4]
    verdicts = name_tracks(tracks, height, width)
    labels = (verdicts.shape, verdicts.colour, verdicts.motion, *_relative(verdicts, min(height, width), fps))
    objects = [Request(*map(str, row)) for row in zip(*labels, strict=True)]
    ends = np.searchsorted(clip, np.arange(len(clips) + 1))
    seen = [Scene(tuple(objects[ends[i] : ends[i + 1]]), str(name)) for i, name in enumerate(backgrounds)]
    return Scenes(seen, clean, verdicts, clip)


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


def describe(scenes: Scenes, row: int) -> str:
    """What is seen in a clip, in words."""
    return sentence(scenes.seen[row]) + ("" if scenes.clean[row] else ", and what is no object")


def sentence(scene: Scene) -> str:
    """A scene in words: "a small red circle moving left slowly and a blue ring shrinking, on a striped background"."""
    told = [_clause(one) for one in scene.objects] or ["nothing"]
    told[-2:] = [" and ".join(told[-2:])]
    return ", ".join(told) + (f", on a {scene.background} background" if scene.background else "")


def _clause(one: Request) -> str:
    moving = f"moving {one.motion}" if one.motion in rules.DIRECTIONS else one.motion
    words = [one.size, one.colour or "(unclear colour)", one.shape or "(unclear shape)"]
    words += [moving or "(unclear motion)", one.speed]
    text = " ".join(word for word in words if word)
    return ("an " if text.lstrip("(")[0] in "aeiou" else "a ") + text
