"""What each motion is like: right videos, smooth paths, steady colours and sizes, beside real clips of those prompts.

On `validation` prompts: new draws of trained ones. Run from the repository: `python benchmarks/motions.py`. Uses
models/export where there is one, else the weights of the package. Medians, for a mean is what the worst few say.
"""

from typing import Any

import numpy as np
import typer
from common import ROOT, report

from text2video import load_model
from text2video.judge import compare, judge_clips
from text2video.judge.diversity import take
from text2video.params import load_params
from text2video.world import World
from text2video.world.captions import parse_prompt

CLIPS, SEED = 1024, 1  # not that of any stage
QUALITIES = ("path_residual_px", "colour_distance", "area_variation")


def main() -> None:
    """One row for each motion, and one for all."""
    clips, prompts, _ = World(load_params(ROOT / "params.yaml")).draw("validation", CLIPS, SEED)
    requests = [parse_prompt(prompt) for prompt in prompts]
    model, real = judge_clips(load_model().draw(prompts, SEED, range(CLIPS))), judge_clips(clips)
    motions = np.array([request.motion or "" for request in requests])
    rows: list[dict[str, Any]] = []
    for motion in (*sorted(set(motions)), "all"):
        these = np.flatnonzero((motions == motion) | (motion == "all"))
        asked = [requests[row] for row in these]
        ours, theirs = (compare(take(verdicts, these), asked).score for verdicts in (model, real))
        row = {"motion": motion, "clips": len(these), "joint": ours["joint"]["value"]}
        for name in QUALITIES:
            row |= {name: ours[name]["median"], f"{name}, real": theirs[name]["median"]}
        rows.append(row)
    report("motions", rows)


if __name__ == "__main__":
    typer.run(main)
