"""What it is worth to draw several videos and let the discriminator choose: right videos, and how many a second.

On `validation` prompts: new draws of trained ones. Run from the repository: `python benchmarks/candidates.py`. Uses
models/export where there is one, else the weights of the package.
"""

import numpy as np
import typer
from common import ROOT, rates, report

from text2video import load_model
from text2video.judge import compare, judge_clips
from text2video.params import load_params
from text2video.world import World
from text2video.world.captions import parse_prompt

CANDIDATES = (1, 2, 4, 8, 16)
CLIPS, SEED = 512, 1  # not that of any stage
NAMES = ("shape", "colour", "motion", "joint")


def main() -> None:
    """One row for each number of candidates."""
    model = load_model()
    _, prompts, _ = World(load_params(ROOT / "params.yaml")).draw("validation", CLIPS, SEED)

    def draw(number: int, clips: int) -> np.ndarray:
        model.candidates = number
        return model.draw(prompts[:clips], SEED, range(clips))

    requests = [parse_prompt(prompt) for prompt in prompts]
    found = rates({str(number): lambda number=number: len(draw(number, 16)) for number in CANDIDATES})
    rows = []
    for number in CANDIDATES:
        scores = compare(judge_clips(draw(number, CLIPS)), requests).score
        rows.append(
            {"candidates": number, **{name: float(scores[name]["value"]) for name in NAMES},
             "clips": CLIPS, "clips per second": found[str(number)]}
        )  # fmt: skip
    report("candidates", rows)


if __name__ == "__main__":
    typer.run(main)
