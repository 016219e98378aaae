"""Clips generated per second, and the time from typing a command to its file.

Against the tutorial's way: one frame at a time from a generator of its layers, each saved as PNG. Run from the
repository: `python benchmarks/generation.py`. Uses models/export where there is one, else the weights of the package.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import typer
from common import ROOT, command, rates, report
from torchvision.utils import save_image

from text2video import load_model
from text2video.bundle import default_model
from text2video.models.codec import build_codec
from text2video.models.gans import build_generator
from text2video.params import load_params
from text2video.text.encoder import Text

PROMPT = "circle moving up-right"


def ours(batch: int, clips: int) -> Callable[[], float]:
    """So many clips, so many at once, to pixels."""
    model = load_model(default_model())

    def call() -> float:
        for _ in range(clips // batch):
            model.generate([PROMPT] * batch)
        return clips

    return call


def tutorial(folder: Path) -> Callable[[], float]:
    """One clip, frame by frame, to files."""
    params = load_params(ROOT / "tutorial" / "params.yaml")
    codec = build_codec(params.codec, params.data.height_width)
    generator = build_generator(params.gan, params.text, codec.latent_shape, 10)
    words = torch.randn(1, params.text.dim)
    text = Text(words[:, None], words)

    @torch.no_grad()
    def call() -> float:
        for frame in range(10):
            noise = torch.randn(1, 1, params.gan.noise_dim)
            save_image(generator(noise, text, codec)[0], folder / f"frame_{frame}.png")
        return 1

    return call


def table(found: dict[str, float], peer: str) -> Sequence[dict[str, object]]:
    """Rates and their ratio to one of them."""
    return [
        {"what": name, "per second": rate, f"times {peer}": rate / found[peer]}
        for name, rate in found.items()
    ]


def main() -> None:
    """Sampling in a warm process, then whole cold processes."""
    with tempfile.TemporaryDirectory() as folder:
        warm = rates(
            {"one at a time": ours(1, 8), "64 at once": ours(64, 64), "the tutorial": tutorial(Path(folder))}
        )
        report("generation", table(warm, "the tutorial"))
        generate = ("-m", "text2video.cli", "generate", PROMPT, "--out", folder)
        cold = rates(
            {"text2video generate": command(*generate), "import torch": command("-c", "import torch")}
        )
        report("cold-start", table(cold, "import torch"))


if __name__ == "__main__":
    typer.run(main)
