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
from text2video.bundle import find_model
from text2video.models.base import Spec
from text2video.models.codec import build_codec
from text2video.models.frame_gan import FrameGAN
from text2video.params import load_params
from text2video.text.encoder import WordEncoder
from text2video.text.prompts import Prompts

PROMPT, WORDS = "circle moving up-right", 40


def ours(batch: int, clips: int) -> Callable[[], float]:
    """So many clips, so many at once, to pixels."""
    model = load_model(find_model())

    def call() -> float:
        for _ in range(clips // batch):
            model.generate([PROMPT] * batch)
        return clips

    return call


def tutorial(folder: Path) -> Callable[[], float]:
    """One clip, frame by frame, to files."""
    params = load_params(ROOT / "tutorial" / "params.yaml")
    codec, text = build_codec(params.codec, params.data.height_width), params.text
    spec = Spec(codec.latent_shape, 10, lambda: WordEncoder(WORDS, text.dim, text.pooling), text.dim)
    model = FrameGAN(params.frame_gan, spec).eval()
    tokens = torch.tensor([[2, 3, 4, 5]])
    prompts = Prompts(tokens, tokens > 0, torch.empty(1, 0))

    @torch.no_grad()
    def call() -> float:
        for frame in range(10):
            noise = torch.randn(1, 1, params.frame_gan.noise_dim)
            save_image(model.sample(noise, prompts, codec)[0], folder / f"frame_{frame}.png")
        return 1

    return call


def table(found: dict[str, float], peer: str) -> Sequence[dict[str, object]]:
    """Rates and their ratio to one of them."""
    return [{"what": name, "per second": rate, f"times {peer}": rate / found[peer]} for name, rate in found.items()]


def main() -> None:
    """Sampling in a warm process, then whole cold processes."""
    with tempfile.TemporaryDirectory() as folder:
        warm = rates({"one at a time": ours(1, 8), "64 at once": ours(64, 64), "the tutorial": tutorial(Path(folder))})
        report("generation", table(warm, "the tutorial"))
        generate = ("-m", "text2video.cli", "generate", PROMPT, "--out", folder)
        cold = rates({"text2video generate": command(*generate), "import torch": command("-c", "import torch")})
        report("cold-start", table(cold, "import torch"))


if __name__ == "__main__":
    typer.run(main)
