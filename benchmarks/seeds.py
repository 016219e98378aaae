"""Runs that differ in their seed, side by side: what stage evaluate found in each, and the worst of each figure.

Run with the folders of finished runs: `python benchmarks/seeds.py . ../seed1 ../seed2`, where each other folder is a
clone in which `dvc repro` has run with another `train.seed`.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from common import report

from text2video.console import run
from text2video.files import read_json
from text2video.layout import TEST_SPLITS, Layout
from text2video.params import load_params

HIGHER, LOWER = min, max  # the worst of what should be high, and of what should be low


def figures(root: Path) -> dict[str, Any]:
    """Name to value and the way to find the worst, for one run."""
    layout = Layout(root)
    remedy = f"run `dvc repro` in {root}"
    page, details = (
        read_json(layout.metrics / f"{name}.json", remedy) for name in ("evaluation", "evaluation_details")
    )
    unseen = load_params(layout.params).world.unseen_motions
    prompts = [(row["joint"]["value"], row["asked"]["motion"]) for row in details["prompts"]]
    trained = [joint for joint, motion in prompts if motion not in unseen]
    return {
        **{
            f"{split}, joint": (page[split]["joint"]["value"], HIGHER)
            for split in (*TEST_SPLITS, "prompts")
            if page[split]["joint"]["n"]
        },
        "unseen_motion, motion": (page["unseen_motion"]["motion"]["value"], HIGHER),
        "the worst test prompt of a trained motion": (min(trained), HIGHER),
        "the worst test prompt": (min(joint for joint, _ in prompts), HIGHER),
        **{
            f"{name}, times the real-to-real distance": (
                page["diversity"][name]["model"] / page["diversity"][name]["real"],
                LOWER,
            )
            for name in ("start_x", "start_y", "speed", "size")
        },
        **{f"{name} (real {values['real']})": (values["model"], LOWER) for name, values in page["quality"].items()},
        "Fréchet distance": (page["frechet_distance"]["model"], LOWER),
    }


def main(roots: Annotated[list[Path], typer.Argument(help="Folders of finished runs.")]) -> None:
    """One row for each figure, one column for each run."""
    seeds = [load_params(Layout(root).params).train.seed for root in roots]
    names = [
        f"seed {seed}" if seeds.count(seed) == 1 else f"seed {seed} ({root.name})"
        for seed, root in zip(seeds, roots, strict=True)
    ]
    runs = [figures(root) for root in roots]
    rows = []
    for name in runs[0]:
        values = [float(found[name][0]) for found in runs]
        columns = dict(zip(names, values, strict=True))
        rows.append({"figure": name, **columns, "the worst": runs[0][name][1](values)})
    report("seeds", rows)


if __name__ == "__main__":
    run(lambda: typer.run(main))
