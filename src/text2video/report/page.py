"""``metrics/report.html``: the figures, the curves and the videos on one page that needs no other file, no network and
no script. The same inputs give the same bytes. Every text that came from a person is escaped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader

from text2video.judge.proof import Check
from text2video.judge.summary import QUALITIES
from text2video.judge.verdicts import ASPECTS
from text2video.report.headline import TOO_FEW
from text2video.report.plots import NONE, number
from text2video.report.wall import Tile, data_uri, gif_uri, png_uri, shown_fps

Figures = Mapping[str, Any]

ACCURACIES = ["joint", *ASPECTS]  # what counts comes first: a phone shows no more than two columns
SPLITS = {  # of test clips, in the order of the report
    "seen": "words and combinations that were trained on, new clips",
    "unseen_combination": "shape, colour and motion each trained on, but never together",
    "unseen_motion": "a direction never trained on: only its parts were",
    "unseen_pair": "two objects each trained on, but never in one clip",
    "unseen_template": "sentences that were never trained on, of known words",
    "unseen_synonym": "synonyms that were never trained on",
    "prompts": "those of params.yaml, one by one",
    "unseen_clip": "captions that were trained on, clips that were not",
    "unseen_caption": "captions that were never trained on",
}
HEADS = {
    "angle_error_degrees": "angle error, °",
    "path_residual_px": "off the ideal path, px",
    "colour_distance": "colour distance (ACD)",
    "area_variation": "area flicker",
}
SETS = {
    "nearest_training_clip": ("nearest training clip", "grey levels from it; well below real is copied"),
    "frechet_distance": ("Fréchet video distance", "to real clips"),
    "flicker": ("flicker", "grey levels: mean |x[t - 1] - 2 x[t] + x[t + 1]|; well above real is unsteady"),
    "pixel_distance": ("between two videos of a caption, pixels", "grey levels; well below real is always the same"),
    "feature_distance": ("between two videos of a caption, features", "in units of the real clips' spread, likewise"),
}  # fmt: skip
TRAITS = {
    "start_x": ("where it starts, across", "px; Wasserstein distance to real clips of the same prompt"),
    "start_y": ("where it starts, up and down", "px, likewise"),
    "speed": ("speed", "px per frame, likewise"),
    "size": ("size", "px, likewise"),
    "mode_recall": ("modes", "share of the kinds of real clips of a prompt (colour, quarter, large or small) that the "
                    "model draws too; more is better"),
}  # fmt: skip


@dataclass(frozen=True)
class Evaluation:
    """All that is told about a model."""

    figures: Figures
    details: Figures
    tiles: Sequence[Tile]
    sheet: np.ndarray  # uint8[T, H, W, 3]: the moving wall
    pairs: np.ndarray  # uint8[H, W, 3]
    spreads: Mapping[str, tuple[np.ndarray, np.ndarray]]  # the model's values, and those of real clips
    proof: Mapping[str, Sequence[Check]]
    tutorial: Figures  # what the tutorial's own pipeline scored when it was run in full, and its moving wall as a GIF;
    tutorial_wall: bytes  # empty where that is not known
    fps: float
    frames: int
    drawn: bool  # whether the pipeline has a drawn world: DVC then wants confusion counts, even where none is drawn


def render_page(
    content: Evaluation, curves: Sequence[str], matrices: Sequence[str], histograms: str, wall: bytes
) -> str:
    """The whole page as HTML (``page.html``), with plots as SVG and the moving ``wall`` as a GIF; what asks for labels
    is left out where there are none, which is said once."""
    pages = {n: page for n, page in content.figures.items() if isinstance(page, Mapping) and "retrieval" in page}
    tops = [(split, page.get("joint", page["retrieval"])) for split, page in pages.items()]
    judged = [page["joint"] for page in pages.values() if page.get("joint", {}).get("n")]
    bindings = [
        (split, side, shares)
        for split, page in pages.items()
        for side, shares in page.get("binding", {}).items()
        if shares["together"]["n"]
    ]
    walls = {"this model": wall, "the tutorial's system": content.tutorial_wall}
    own, tutorial = ({**page, **page.get("diversity", {})} for page in (content.figures, content.tutorial))
    compared = [(*told, own.get(name, {}), tutorial.get(name, {})) for name, told in (SETS | TRAITS).items()]
    fps = shown_fps(content.fps, content.frames)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "percent": percent,
        "number": number,
        "bound": lambda value: NONE if value is None else f"{100 * value:.1f}",
        "known": lambda value: NONE if value is None else value,
        "times": lambda value: NONE if value is None else f"{value:.2f}",
        "times_real": times_real,
        "spaced": lambda name: name.replace("_", " "),
        "gif": partial(gif_uri, fps=fps),
        "png": png_uri,
    }
    return environment.get_template("page.html").render(
        content=content, pages=pages, splits=SPLITS, accuracies=ACCURACIES, heads=[HEADS[name] for name in QUALITIES],
        tops=[(split, share) for split, share in tops if share["value"] is not None],
        judged=any("joint" in page for page in pages.values()), bindings=bindings, too_few=TOO_FEW,
        wrong=sum(round((1 - joint["value"]) * joint["n"]) for joint in judged),
        shown=sum(not tile.good for tile in content.tiles if tile.judged),
        tiles=sorted(content.tiles, key=lambda tile: tile.good or not tile.judged),
        walls=[(name, data_uri(gif, "image/gif")) for name, gif in walls.items() if gif],
        compared=compared, histograms=histograms, curves=[*filter(None, curves)],
        matrices=[*filter(None, matrices)],
    ).lstrip()  # fmt: skip


def percent(share: float | None) -> str:
    """A share as people read it."""
    return NONE if share is None else f"{100 * share:.1f} %"


def times_real(entry: Figures) -> float | None:
    """``model`` over ``real``; None where either is missing or there is nothing to divide by."""
    model, real = entry.get("model"), entry.get("real")
    return model / real if model is not None and real else None
