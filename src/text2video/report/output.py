"""The files that an evaluation leaves in ``metrics``."""

from text2video.files import read_json, replace_folder, write_json, write_text
from text2video.judge import rules
from text2video.judge.summary import Figures
from text2video.judge.verdicts import ASPECTS
from text2video.layout import Layout
from text2video.media import save_gif
from text2video.report.page import Evaluation, render_page
from text2video.report.plots import confusion_csv, confusion_matrix, histograms, line_chart, read_curves
from text2video.report.wall import shown_fps
from text2video.sheets import save_png

ORDERS = {"shape": rules.SHAPES, "colour": rules.COLOURS, "motion": rules.MOTIONS}
PANELS = {"nearest": "from the nearest training clip (grey levels)", "flicker": "flicker (grey levels)",
          "start_x": "start, left to right (px)", "start_y": "start, top to bottom (px)",
          "speed": "speed (px per frame)", "size": "size (px)"}  # fmt: skip


def read_tutorial(layout: Layout) -> tuple[Figures, bytes]:
    """``tutorial/measured``: a copy of ``evaluation.json`` and ``plots/wall.gif`` of ``tutorial/metrics``; empty where
    there is none.

    A copy, because a stage that depended on the outputs of the other pipeline would make DVC run that one first.
    """
    folder = layout.root / "tutorial" / "measured"
    if not (folder / "evaluation.json").is_file():
        return {}, b""
    wall = folder / "wall.gif"
    return read_json(folder / "evaluation.json"), wall.read_bytes() if wall.is_file() else b""


def write_report(evaluation: Evaluation, layout: Layout) -> None:
    """Write ``evaluation.json`` (what experiments are compared by), ``evaluation_details.json`` (the rest),
    ``report.html`` (all of it, to look at) and the folder ``plots``: ``spread.svg``, ``wall.gif``,
    ``closest_pairs.png`` and, where the pipeline has a drawn world, ``confusion_*.csv``, of no clip but a header."""
    folder, counts = layout.metrics, evaluation.details.get("confusion", {})
    panels = {PANELS[name]: values for name, values in evaluation.spreads.items()}
    spread = histograms("How the model's clips and real ones are spread", panels)
    curves = [
        line_chart(title, read_curves(folder / f"{name}.csv"), low)
        for name, title, low in (("train", "Losses", None), ("autoencode", "Codec loss", 0.0))
    ]
    # The large matrix of motions, and the two small ones in a column beside it.
    motion, colour, shape = (confusion_matrix(a, counts.get(a, {}), ORDERS[a]) for a in ("motion", "colour", "shape"))
    matrices = [motion, f'<div class="column">{colour}{shape}</div>' if colour or shape else ""]
    write_json(folder / "evaluation.json", evaluation.figures)
    write_json(folder / "evaluation_details.json", evaluation.details)
    with replace_folder(folder / "plots") as plots:
        for aspect in ASPECTS if evaluation.drawn else ():
            write_text(plots / f"confusion_{aspect}.csv", confusion_csv(counts.get(aspect, {})))
        write_text(plots / "spread.svg", spread)
        save_gif(plots / "wall.gif", evaluation.sheet, shown_fps(evaluation.fps, evaluation.frames))
        save_png(plots / "closest_pairs.png", evaluation.pairs)
        wall = (plots / "wall.gif").read_bytes()
    write_text(folder / "report.html", render_page(evaluation, curves, matrices, spread, wall))
