"""What each motion is like: right videos, smooth paths, steady colours and sizes, beside real clips of those prompts.

On `validation` prompts: new draws of trained ones. Run from the repository: `python benchmarks/motions.py`. Uses
models/export where there is one, else the weights of the package. Medians, for a mean is what the worst few say.
"""

from typing import Any

import numpy as np
from common import ROOT, report

from text2video import load_model
from text2video.judge import Verdicts, judge_clips
from text2video.judge.scores import area_variations, colour_distances, right
from text2video.params import load_params
from text2video.world import World
from text2video.world.captions import parse_prompt

CLIPS, SEED = 1024, 1  # not that of any stage


def qualities(verdicts: Verdicts, rows: np.ndarray) -> dict[str, float]:
    """The median of each over the clips ``rows``, bool[N], that show an object."""
    rows = rows & verdicts.detected
    values = {
        "smoothness_px": verdicts.residual,
        "colour_distance": colour_distances(verdicts),
        "area_variation": area_variations(verdicts),
    }
    return {
        name: float(np.median(value[rows])) if rows.any() else float("nan") for name, value in values.items()
    }


def main() -> None:
    """One row for each motion, and one for all."""
    clips, prompts = World(load_params(ROOT / "params.yaml").data).draw("validation", CLIPS, SEED)
    requests = [parse_prompt(prompt) for prompt in prompts]
    model, real = judge_clips(load_model().draw(prompts, SEED, range(CLIPS))), judge_clips(clips)
    hits = right(model, requests)["joint"]
    motions = np.array([request.motion or "" for request in requests])
    rows: list[dict[str, Any]] = []
    for motion in (*sorted(set(motions)), "all"):
        these = (motions == motion) | (motion == "all")
        ours, theirs = qualities(model, these), qualities(real, these)
        pairs = {
            f"{name}{side}": found[name] for name in ours for side, found in (("", ours), (", real", theirs))
        }
        rows.append(
            {"motion": motion, "clips": int(these.sum()), "joint": float(hits[these].mean()), **pairs}
        )
    report("motions", rows)


if __name__ == "__main__":
    main()
