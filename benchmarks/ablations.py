"""What each part of the recipe is good for: the default without it, trained as long, judged on validation prompts.

Prints the table, and writes it as the page ``docs/ablations.md``.

Needs what `dvc repro autoencode` makes. Run from the repository: `python benchmarks/ablations.py --epochs 4`. A row
that is in the table already, for as many epochs, is not trained again: the run can be stopped, and goes on.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
import typer
from common import RESULTS, ROOT
from torch import Tensor

from text2video.bundle import FORMAT
from text2video.files import write_text
from text2video.layout import Layout
from text2video.models import video_gan
from text2video.models.video_gan import Course, Gates, Projection, VideoGenerator
from text2video.params import Params, load_params
from text2video.training import gan, losses
from text2video.training.train import train

INPUTS = ("data/latents", "data/vocabulary.json", "data/validation", "models/codec")
COLUMNS = ("shape", "colour", "motion", "joint", "smoothness_px")
PAGE = """# What each part is good for

The default recipe, and the default with one part left out or put back to what is usual, each trained for {epochs:g}
of its 8 epochs on the same clips and codec, from the same seed. Shown is the share of right videos on 256
`validation` prompts, and how far from a smooth path their objects are, in pixels (the mean): of the generator alone,
before the discriminator chooses. One run each: differences of less than .05 may be luck. (The codec has no row: in
pixels, this GAN would take 64 times as long for a step. The tutorial's GAN in pixels, trained for as long as the
whole of ours, is in README.md.) Three things do not show here. Unless the words alone say where a clip goes, a
direction that was never trained on is a matter of luck (lab notebook, thirteenth round). Gates and their cost make
paths straight and sizes steady in the second half of the whole training (ninth and eleventh round); in a short one they
have no time to. And prompts that lag behind are drawn more often (`train.priority`), which tells in the last third
of training (sixth round); here all are drawn alike. What is ahead of the default here need not be at the end of the
whole training: it is where to look next.

{table}

Written by `python benchmarks/ablations.py --epochs {epochs:g}`.
"""


@dataclass(frozen=True)
class Ablation:
    """A part of the recipe left out: by other parameters, or by other code for a while."""

    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    patched: Callable[[], AbstractContextManager[Any]] = nullcontext


def unread(self: Projection, features: Tensor, text: Tensor, realness: float = 1.0) -> Tensor:
    """A discriminator that does not look at the text, as in the tutorial."""
    logits: Tensor = self.real(features).squeeze(-1)
    return logits


def non_saturating(winner: Tensor, loser: Tensor) -> Tensor:
    """The classical loss (Goodfellow et al., 2014): each logit for itself, not against its pair."""
    return losses.together(F.softplus(-winner) + F.softplus(loser)).mean()


clip_codes = VideoGenerator.clip_codes


def deaf_motion(self: VideoGenerator, noise: Tensor, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Clip codes whose motion hears the noise alone."""
    content, look, _ = clip_codes(self, noise, text)
    return content, look, clip_codes(self, noise, torch.zeros_like(text))[2]


def unmoved(self: Gates, words: Tensor) -> Tensor:
    """Every frame sees the picture as the first one does."""
    return words.new_zeros(len(words), self.layer.out_features)


def silent(self: VideoGenerator, noise: Tensor, text: Tensor) -> Tensor:
    """Words add nothing to the views by themselves; text and noise together still decide on them."""
    return noise.new_zeros(len(noise), 6, self.functions)


def free(self: Course, ways: Tensor, text: Tensor) -> Tensor:
    """Ways that go anywhere, and swings in any shape: not in a direction, along a line or in a shape that the prompt
    says by its words alone."""
    return ways


@contextmanager
def deaf() -> Iterator[None]:
    """What the motion hears of the text in each of three ways, taken away; only the gates still read it."""
    with (
        patch.multiple(VideoGenerator, clip_codes=deaf_motion, words_alone=silent),
        patch.object(Course, "forward", free),
    ):
        yield


ABLATIONS = {
    "the default": Ablation(),
    "text: the discriminator does not read": Ablation(
        patched=lambda: patch.object(Projection, "forward", unread)
    ),
    "text: no mismatched captions": Ablation({"train": {"mismatch": 0.0}}),
    "text: not in the motion": Ablation(patched=deaf),
    "text: words add nothing to the views by themselves": Ablation(
        patched=lambda: patch.object(VideoGenerator, "words_alone", silent)
    ),
    "text: as loud as the noise": Ablation(patched=lambda: patch.object(video_gan, "TEXT_SCALE", 1.0)),
    "time: no clip critic": Ablation(
        patched=lambda: patch.object(losses, "together", lambda values: values[:, 1] + values[:, 2:].mean(1))
    ),
    "time: no path critic": Ablation(
        patched=lambda: patch.object(losses, "together", lambda values: values[:, 0] + values[:, 2:].mean(1))
    ),
    "time: no frame critic": Ablation(
        patched=lambda: patch.object(losses, "together", lambda values: values[:, 0] + values[:, 1])
    ),
    "time: the view stands still": Ablation(patched=lambda: patch.object(Gates, "forward", unmoved)),
    "time: ways in any direction and shape": Ablation(patched=lambda: patch.object(Course, "forward", free)),
    "time: the tutorial's frame GAN on our latents": Ablation({"gan": {"kind": "frame"}}),
    "loss: non-saturating, not relativistic": Ablation(
        patched=lambda: patch.object(gan, "relativistic", non_saturating)
    ),
    "loss: no penalty (R1, R2)": Ablation({"train": {"gamma": 0.0, "gamma_final": 0.0}}),
    "weights: no moving average": Ablation({"train": {"ema": 0.0}}),
    "weights: torch's own initialisation": Ablation(
        patched=lambda: patch.object(video_gan, "initialise", lambda network: None)
    ),
}


def changed(params: Params, ablation: Ablation, epochs: float) -> Params:
    """The page with the ablation's parameters, for so many epochs, validated once each."""
    page = params.model_dump()
    page["train"] |= {"epochs": epochs, "validate_every": 1, "priority": 0.0}
    for section, values in ablation.params.items():
        page[section] |= values
    return Params.model_validate(page)


def figures_of(ablation: Ablation, params: Params, root: Path) -> dict[str, Any]:
    """Train in a folder of its own, beside links to the inputs. Returns what is said of the result."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, ablation.patched():
        for name in INPUTS:
            link = Path(folder) / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((root / name).resolve())
        layout = Layout(Path(folder))
        train(params, layout)
        summary = json.loads((layout.metrics / "train.json").read_text())
    scores = {name: summary["validation"][name] for name in COLUMNS}
    return {**scores, "minutes": round((time.perf_counter() - start) / 60, 1)}


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = ["| | shape | colour | motion | joint | smoothness |", "|---|---|---|---|---|---|"]
    for name, row in rows.items():
        cells = ("-" if row[key] is None else f"{row[key]:.2f}" for key in COLUMNS)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(
    epochs: Annotated[float, typer.Option(help="Of each training.")] = 4,
    root: Annotated[Path, typer.Option(help="The folder that holds params.yaml and data/latents.")] = Path(),
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = RESULTS / "ablations.json",
) -> None:
    """Train the default and each ablation, print the table, write the page."""
    params = load_params(root / "params.yaml")
    known = json.loads(out.read_text()) if out.is_file() else {}
    # Rows of another generator, or of longer trainings, say nothing of these.
    kind = {"format": FORMAT, "epochs": epochs}
    rows = known["rows"] if kind.items() <= known.items() else {}
    for name, ablation in ABLATIONS.items():
        if name not in rows:
            rows[name] = figures_of(ablation, changed(params, ablation, epochs), root)
            out.write_text(json.dumps({**kind, "rows": rows}, indent=2) + "\n")
    print(table(rows))
    write_text(ROOT / "docs" / "ablations.md", PAGE.format(epochs=epochs, table=table(rows)))


if __name__ == "__main__":
    typer.run(main)
