"""Kinds of model at equal time: each trained for as many minutes on the same latents, and evaluated.

Run in a repository whose pipeline has run: `python benchmarks/peers.py --minutes 20`; on the digits: `--root digits`.
The time is that of training steps alone, measured in turn before the first training.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from ablations import changed, figures
from common import ROOT, rates, report
from training import model_step

from text2video.console import run
from text2video.data.packed import PackedReader
from text2video.layout import Layout
from text2video.models.kinds import kind_class
from text2video.params import Params

KINDS = ["video_gan", "flow", "frame_gan"]


def main(
    kinds: Annotated[list[str] | None, typer.Argument(help="Of model; all where none is named.")] = None,
    minutes: Annotated[float, typer.Option(help="Of training, for each kind.")] = 20,
    root: Annotated[Path, typer.Option(help="The folder of a pipeline that has run.")] = Path(),
) -> None:
    """One row for each kind of model."""
    page = yaml.safe_load((root / "params.yaml").read_text("utf-8"))
    page = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8")) | page  # sections that its own kind does not need
    pages = {kind: changed(page, f"model.kind={kind}", 1) for kind in kinds or KINDS}
    speeds = rates({kind: clips_per_call(of_kind) for kind, of_kind in pages.items()})
    clips, rows = len(PackedReader(Layout(root).latents)), []
    for kind, speed in speeds.items():
        epochs = minutes * 60 * speed / clips
        row = {"kind": kind, "minutes": minutes, "clips/s": speed, "epochs": epochs}
        rows.append(row | figures(root, changed(page, f"model.kind={kind}", epochs)))
    report("peers" if root == Path() else f"peers-{root.name}", rows)


def clips_per_call(page: dict[str, Any]) -> Callable[[], float]:
    """Ten training steps of a page's kind of model, as the clips that they take."""
    params = Params.model_validate(page)
    step, frames = model_step(params), kind_class(params.model.kind).frames_per_sample
    clips = params.train.batch * (frames or params.data.frames) / params.data.frames

    def call() -> float:
        for _ in range(10):
            step()
        return 10 * clips

    return call


if __name__ == "__main__":
    run(lambda: typer.run(main))
