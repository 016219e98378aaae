"""Clips that the judge sees in a second, beside how many the world draws, of one object and of scenes.

Run from the repository: `python benchmarks/judge.py`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import typer
from common import ROOT, rates, report

from text2video.judge import judge_clips, judge_scenes
from text2video.params import load_params
from text2video.world import World

Judge = Callable[[np.ndarray], Any]
CLIPS = 256  # in a round
JUDGES = {
    "one object": ("", judge_clips), "one object, as a scene": ("", judge_scenes), "scenes": ("scenes", judge_scenes),
}  # fmt: skip


def look(judge: Judge, clips: np.ndarray) -> int:
    """Judge all clips."""
    judge(clips)
    return len(clips)


def draw(world: World) -> int:
    """Draw as many."""
    return len(world.draw("train", CLIPS, 0).clips)


def main() -> None:
    """Judging and drawing in turn, each by one process."""
    rows = []
    for name, (page, judge) in JUDGES.items():
        world = World(load_params(ROOT / page / "params.yaml"))
        clips = world.draw("train", CLIPS, 0).clips
        found = rates({"judged": partial(look, judge, clips), "drawn": partial(draw, world)})
        rows.append({"clips": name, **{f"{what}, clips/s": rate for what, rate in found.items()}})
        rows[-1]["ratio"] = found["judged"] / found["drawn"]
    report("judge", rows)


if __name__ == "__main__":
    typer.run(main)
