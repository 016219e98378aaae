"""The files that an evaluation leaves in ``metrics``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from text2video.files import read_json, write_json, write_text
from text2video.judge import rules
from text2video.judge.diversity import traits
from text2video.judge.proof import Check
from text2video.layout import Layout
from text2video.media import save_gif, save_png
from text2video.report.page import Content, render_page
from text2video.report.plots import confusion_matrix, histograms, line_chart, read_curves
from text2video.report.summary import ASPECTS, Figures, Judged, confusion_csv, confusions, prompt_rows
from text2video.report.wall import Tile, data_uri, png_uri

ORDERS = {"shape": rules.SHAPES, "colour": rules.COLOURS, "motion": rules.MOTIONS}
PANELS = {"start_x": "start, left to right (px)", "start_y": "start, top to bottom (px)",
          "speed": "speed (px per frame)", "size": "size (px)"}  # fmt: skip


@dataclass(frozen=True)
class Tutorial:
    """What the tutorial's own pipeline scored when it was run in full; empty where that is not known."""

    figures: Mapping[str, Any] = field(default_factory=dict)
    wall: bytes = b""


@dataclass(frozen=True)
class Evaluation:
    """All that is told about a model."""

    figures: Figures
    details: Figures
    splits: Mapping[str, Judged]
    tiles: Sequence[Tile]
    sheet: NDArray[np.uint8]
    pairs: NDArray[np.uint8]
    proof: Mapping[str, Sequence[Check]]
    tutorial: Tutorial
    fps: float


def read_tutorial(layout: Layout) -> Tutorial:
    """``tutorial/measured``: a copy of ``evaluation.json`` and ``wall.gif`` of ``tutorial/metrics``.

    A copy, because a stage that depended on the outputs of the other pipeline would make DVC run that one first.
    """
    folder = layout.root / "tutorial" / "measured"
    if not (folder / "evaluation.json").is_file():
        return Tutorial()
    wall = folder / "wall.gif"
    return Tutorial(read_json(folder / "evaluation.json"), wall.read_bytes() if wall.is_file() else b"")


def write_report(evaluation: Evaluation, layout: Layout) -> None:
    """Write ``evaluation.json`` (what experiments are compared by), ``evaluation_details.json`` (the rest),
    ``report.html`` (all of it, to look at) and the plots: ``confusion_*.csv``, ``diversity.svg``, ``wall.gif``,
    ``closest_pairs.png``."""
    folder, counts = layout.metrics, confusions(evaluation.splits)
    details = {
        "prompts": prompt_rows(evaluation.splits["prompts"]),
        "confusion": counts,
        **evaluation.details,
    }
    spread = _spread(evaluation.splits["prompts"])
    write_json(folder / "evaluation.json", evaluation.figures)
    write_json(folder / "evaluation_details.json", details)
    for aspect in ASPECTS:
        write_text(folder / f"confusion_{aspect}.csv", confusion_csv(counts[aspect]))
    write_text(folder / "diversity.svg", spread)
    save_gif(folder / "wall.gif", evaluation.sheet, evaluation.fps)
    save_png(folder / "closest_pairs.png", evaluation.pairs)
    content = Content(
        figures=evaluation.figures,
        details=details,
        tutorial=evaluation.tutorial.figures,
        tiles=evaluation.tiles,
        fps=evaluation.fps,
        curves=_curves(layout),
        matrices=_matrices(counts),
        histograms=spread,
        wall=data_uri((folder / "wall.gif").read_bytes(), "image/gif"),
        tutorial_wall=data_uri(wall, "image/gif") if (wall := evaluation.tutorial.wall) else "",
        pairs=png_uri(evaluation.pairs),
        proof=evaluation.proof,
    )
    write_text(folder / "report.html", render_page(content))


def _spread(judged: Judged) -> str:
    """How start, speed and size are spread over the model's and the real clips of the prompts."""
    model, real = traits(judged.model), traits(judged.real)
    panels = {title: (model[name], real[name]) for name, title in PANELS.items()}
    return histograms("Start, speed and size over all test prompts", panels)


def _matrices(counts: Mapping[str, Mapping[str, Mapping[str, int]]]) -> list[str]:
    """The large matrix of motions, and the two small ones in a column beside it."""
    motion, colour, shape = (confusion_matrix(a, counts[a], ORDERS[a]) for a in ("motion", "colour", "shape"))
    return [motion, f'<div class="column">{colour}{shape}</div>' if colour or shape else ""]


def _curves(layout: Layout) -> list[str]:
    """The curves of training, as far as its files are there."""
    charts = []
    for name, title, low in (
        ("validation", "Share of right videos on validation prompts", 0.0),
        ("train", "GAN losses", None),
        ("autoencode", "Codec loss", 0.0),
    ):
        columns = read_curves(layout.metrics / f"{name}.csv")
        steps = columns.pop("step", [])
        curves = {label: list(zip(steps, values, strict=True)) for label, values in columns.items()}
        charts.append(line_chart(title, curves, low=low))
    return charts
