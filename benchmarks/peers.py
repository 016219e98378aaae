"""The GAN and a rectified flow of its size, trained one after the other for the same time on the same latents.

Needs what `dvc repro autoencode` makes. Run from the repository: `python benchmarks/peers.py --minutes 10`.
"""

import copy
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from flow import VelocityField, flow_loss, sample
from torch import Tensor

from text2video.console import Progress
from text2video.data.packed import PackedReader
from text2video.device import autocast, on_device, pick_device
from text2video.judge import judge_clips, score
from text2video.layout import TEST_SPLITS, Layout
from text2video.params import Params, load_params
from text2video.text.vocabulary import Vocabulary
from text2video.training.gan import GanTrainer, cosine
from text2video.training.train import Samples, build_gan, count
from text2video.video import to_clips
from text2video.weights import load_codec
from text2video.world.captions import parse_prompt

TRIED = 30  # steps that tell how many fit into the time
JUDGED = 256  # clips of each split
BATCH = 32

Draw = Callable[[Tensor, torch.Generator], Tensor]  # tokens to latents


def steps_that_fit(minutes: float, step: Callable[[int], object]) -> int:
    """How many calls of ``step`` take so long, judged by a few of them."""
    step(0)
    start = time.perf_counter()
    for number in range(1, TRIED + 1):
        step(number)
    return max(int(minutes * 60 * TRIED / (time.perf_counter() - start)), 1)


def timed(name: str, steps: int, step: Callable[[int], object]) -> float:
    """Call ``step`` so often, with progress. Returns the minutes that it took."""
    start = time.perf_counter()
    with Progress(name, steps, every=10, batch=BATCH) as progress:
        for number in range(steps):
            step(number)
            progress.update(number + 1)
    return (time.perf_counter() - start) / 60


class GanPeer:
    """The project's own model and recipe."""

    name = "GAN (this project)"
    evaluations = 1

    def __init__(self, samples: Samples, words: int, params: Params) -> None:
        self.samples, self.params, self.words = samples, params, words

    def start(self, steps: int) -> Callable[[int], object]:
        """New networks, with their learning rate planned for so many steps. Returns the step."""
        frames, *grid = self.samples.latents.shape
        gan = build_gan(self.params, (grid[0], grid[1], grid[2]), frames, self.words)
        for network in vars(gan).values():
            on_device(network, "cpu")
        self.trainer = GanTrainer(gan, self.params.train, steps)
        rng = torch.Generator().manual_seed(self.params.train.seed)

        def step(number: int) -> None:
            real, tokens = self.samples.at(number, rng)
            with autocast(torch.device("cpu"), self.params.train.precision):
                self.trainer.step(number, real, tokens, rng)

        return step

    @property
    def parameters(self) -> int:
        """Trained values of the part that draws."""
        return count(self.trainer.gan.generator) + count(self.trainer.gan.text_encoder)

    def draw(self, tokens: Tensor, rng: torch.Generator) -> Tensor:
        """Latents for prompts."""
        average = self.trainer.average
        noise = torch.randn((len(tokens), *average.generator.noise_shape(tokens.shape[1])), generator=rng)
        return average.generator(noise, average.text_encoder(tokens))


class FlowPeer:
    """The rectified flow."""

    name = "rectified flow"
    evaluations = 40  # 20 steps, with and without the prompt

    def __init__(self, samples: Samples, words: int, params: Params) -> None:
        self.samples, self.params, self.words = samples, params, words

    def start(self, steps: int) -> Callable[[int], object]:
        """A new network, with its learning rate planned for so many steps. Returns the step."""
        frames, *grid = self.samples.latents.shape
        torch.manual_seed(self.params.train.seed)
        self.shape = (frames, grid[0], grid[1], grid[2])
        field = VelocityField((grid[0], grid[1], grid[2]), frames, self.words, self.params.text.dim)
        field = on_device(field, "cpu")
        self.average = copy.deepcopy(field)
        optimizer = torch.optim.Adam(field.parameters(), lr=1e-3, fused=True)
        rng = torch.Generator().manual_seed(self.params.train.seed)

        def step(number: int) -> None:
            for group in optimizer.param_groups:
                group["lr"] = cosine(1e-3, 1e-5, number / steps)
            real, tokens = self.samples.at(number, rng)
            with autocast(torch.device("cpu"), self.params.train.precision):
                loss = flow_loss(field, real, tokens, rng)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            decay = min(self.params.train.ema, (number + 1) / (number + 10))
            with torch.no_grad():
                for mean, value in zip(self.average.parameters(), field.parameters(), strict=True):
                    mean.lerp_(value, 1 - decay)

        return step

    @property
    def parameters(self) -> int:
        """Trained values."""
        return count(self.average)

    def draw(self, tokens: Tensor, rng: torch.Generator) -> Tensor:
        """Latents for prompts."""
        return sample(self.average, tokens, torch.randn((len(tokens), *self.shape), generator=rng))


@torch.no_grad()
def judged(draw: Draw, layout: Layout, vocabulary: Vocabulary, params: Params) -> dict[str, Any]:
    """Joint accuracy on each test split, and clips per second of drawing them, codec and all."""
    codec, rng, found, spent, drawn = load_codec(layout.codec), torch.Generator().manual_seed(7), {}, 0.0, 0
    for split in TEST_SPLITS:
        prompts = PackedReader(layout.test / split).captions[:JUDGED]
        tokens, start = torch.from_numpy(vocabulary.encode(prompts)), time.perf_counter()
        with autocast(torch.device("cpu"), params.train.precision):
            clips = [to_clips(codec.decode(draw(part, rng).float()).float()) for part in tokens.split(64)]
        spent, drawn = spent + time.perf_counter() - start, drawn + len(tokens)
        verdicts = judge_clips(np.concatenate(clips))
        found[split] = score(verdicts, [parse_prompt(prompt) for prompt in prompts])["joint"]["value"]
    return {**found, "clips_per_second": round(drawn / spent, 1)}


def main(
    minutes: Annotated[float, typer.Option(help="Of training, for each.")] = 10,
    root: Annotated[Path, typer.Option(help="The folder that holds params.yaml and data/latents.")] = Path(),
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("benchmarks/peers.json"),
) -> None:
    """Train both for the same time, judge both, print the table."""
    layout = Layout(root)
    params = load_params(layout.params)
    pick_device(params.runtime)
    vocabulary = Vocabulary.load(layout.vocabulary)
    samples = Samples(PackedReader(layout.latents), vocabulary, params)
    rows = []
    for peer in (kind(samples, len(vocabulary), params) for kind in (GanPeer, FlowPeer)):
        steps = steps_that_fit(minutes, peer.start(10**6))
        spent = timed(peer.name, steps, peer.start(steps))
        figures = judged(peer.draw, layout, vocabulary, params)
        rows.append({"peer": peer.name, "parameters": peer.parameters, "steps": steps, "minutes": round(spent, 2),
                     "network_evaluations": peer.evaluations, **figures})  # fmt: skip
    out.write_text(json.dumps({"threads": torch.get_num_threads(), "rows": rows}, indent=2) + "\n")
    columns = list(rows[0])
    print(" | ".join(columns))
    for row in rows:
        print(" | ".join(str(row[column]) for column in columns))


if __name__ == "__main__":
    typer.run(main)
