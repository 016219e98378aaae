"""The GAN, a rectified flow of its size on the same latents, and diffusion in pixels, each trained for the same time.

Needs what `dvc repro index autoencode` makes. Run from the repository: `python benchmarks/peers.py`; with
`--pixels`, the package of `benchmarks/diffusion.py` too.
"""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
import torch
import typer
from common import report
from diffusion import STEPS, PixelDiffusion
from flow import GUIDED_STEPS, VelocityField, flow_loss, sample
from torch import Tensor, nn

from text2video import console
from text2video.console import Progress
from text2video.data.packed import PackedReader
from text2video.device import autocast, on_device, pick_device
from text2video.judge import judge_clips, score
from text2video.layout import TEST_SPLITS, Layout
from text2video.models.codec import Codec
from text2video.params import Params, load_params
from text2video.text.vocabulary import Vocabulary
from text2video.training.gan import cosine, move_average
from text2video.training.train import Samples, count, new_trainer
from text2video.video import to_clips, to_video
from text2video.weights import load_codec
from text2video.world.captions import parse_prompt

TRIED = 10  # steps that tell how many fit into the time
GOALS = (0.5, 0.9, 0.95)  # joint accuracies whose time is told
CPU = torch.device("cpu")


@dataclass
class Data:
    """What all of them are trained on and judged by."""

    params: Params
    layout: Layout
    samples: Samples
    vocabulary: Vocabulary
    codec: Codec

    def prompts(self, path: Path, most: int) -> list[str]:
        """The first prompts of a store."""
        return list(PackedReader(path).captions[:most])


class Peer(Protocol):
    """A way to learn to make videos from prompts."""

    name: str
    evaluations: int  # of its network for one video
    judged: int  # videos of each split
    looks: int  # at the validation prompts, spread over the training

    def start(self, steps: int) -> Callable[[int], object]:
        """New networks, with their learning rate planned for so many steps. Returns the step."""

    def networks(self) -> Sequence[nn.Module]:
        """What draws."""

    def draw(self, tokens: Tensor, rng: torch.Generator) -> Tensor:
        """Videos ``float[N, T, 3, H, W]`` for word numbers ``int64[N, L]``."""


class GanPeer:
    """The project's own model and recipe."""

    name, evaluations, judged, looks = "GAN (this project)", 1, 256, 10

    def __init__(self, data: Data) -> None:
        self.data = data

    def start(self, steps: int) -> Callable[[int], object]:
        """The step of the stage train. All prompts are drawn alike: priorities pay later than a benchmark lasts."""
        vocabulary, epochs = self.data.vocabulary, steps / self.data.samples.batches.per_epoch
        params = self.data.params.train.model_copy(update={"epochs": epochs, "priority": 0.0})
        page = self.data.params.model_copy(update={"train": params})
        samples = Samples(self.data.samples.latents, vocabulary, page)
        self.trainer = new_trainer(samples, vocabulary, self.data.codec, CPU)
        rng = torch.Generator().manual_seed(params.seed)

        def step(number: int) -> None:
            real, tokens = samples.read(samples.choose(number, rng), rng)
            with autocast(CPU, params.precision):
                self.trainer.step(number, real, tokens, rng)

        return step

    def networks(self) -> Sequence[nn.Module]:
        """Generator and text encoder."""
        return [self.trainer.average.generator, self.trainer.average.text_encoder]

    def draw(self, tokens: Tensor, rng: torch.Generator) -> Tensor:
        """One pass through the generator."""
        average, frames = self.trainer.average, self.data.samples.latents.shape[0]
        noise = torch.randn((len(tokens), *average.generator.noise_shape(frames)), generator=rng)
        return average.generator(noise, average.text_encoder(tokens), self.data.codec)


class Averaged:
    """A network fitted by gradient descent on a loss, with the recipe's optimizer, schedule and moving average."""

    def __init__(self, data: Data) -> None:
        self.data = data

    def build(self) -> nn.Module:
        """The network."""
        raise NotImplementedError

    def loss(self, network: nn.Module, number: int, rng: torch.Generator) -> Tensor:
        """What the network should make small in a step."""
        raise NotImplementedError

    def start(self, steps: int) -> Callable[[int], object]:
        """A step of descent."""
        params = self.data.params.train
        torch.manual_seed(params.seed)
        network = self.build()
        self.average = copy.deepcopy(network)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
        rng = torch.Generator().manual_seed(params.seed)

        def step(number: int) -> None:
            for group in optimizer.param_groups:
                group["lr"] = cosine(1e-3, 1e-5, number / steps)
            with autocast(CPU, params.precision):
                loss = self.loss(network, number, rng)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            move_average(self.average, network, params.ema, number)

        return step

    def networks(self) -> Sequence[nn.Module]:
        """The averaged network."""
        return [self.average]


class FlowPeer(Averaged):
    """The rectified flow."""

    name, evaluations, judged, looks = "rectified flow, our latents", 2 * GUIDED_STEPS, 256, 10

    def build(self) -> nn.Module:
        """A velocity field."""
        frames, *grid = self.data.samples.latents.shape
        self.shape = (frames, *grid)
        words, dim = len(self.data.vocabulary), self.data.params.text.dim
        return on_device(VelocityField((grid[0], grid[1], grid[2]), frames, words, dim), CPU)

    def loss(self, network: nn.Module, number: int, rng: torch.Generator) -> Tensor:
        """Flow matching."""
        samples = self.data.samples
        return flow_loss(network, *samples.read(samples.batches[number], rng), rng)

    def draw(self, tokens: Tensor, rng: torch.Generator) -> Tensor:
        """Guided steps from noise to latents, and the decoder."""
        noise = torch.randn((len(tokens), *self.shape), generator=rng)
        return self.data.codec.decode(sample(self.average, tokens, noise))


class PixelPeer(Averaged):
    """The public package."""

    name, evaluations, judged, looks = "video-diffusion-pytorch, pixels", STEPS, 2, 1

    def build(self) -> nn.Module:
        """Its U-Net."""
        self.clips = PackedReader(self.data.layout.train)
        frames, size = self.clips.shape[:2]
        return PixelDiffusion(size, frames, len(self.data.vocabulary), self.data.params.text.dim)

    def loss(self, network: nn.Module, number: int, rng: torch.Generator) -> Tensor:
        """Noise prediction, on a quarter of a batch: the steps are slow."""
        chosen = self.data.samples.batches[number].numpy()[: self.data.params.train.batch // 4]
        tokens = self.data.samples.tokens[chosen]
        loss: Tensor = network(to_video(self.clips[chosen]), tokens)
        return loss

    def draw(self, tokens: Tensor, rng: torch.Generator) -> Tensor:
        """Its sampler."""
        videos: Tensor = self.average.sample(tokens)
        return videos


@torch.no_grad()
def accuracy(peer: Peer, data: Data, prompts: Sequence[str]) -> tuple[float, float]:
    """The share of prompts whose video shows all that they ask for, and clips per second."""
    rng, tokens = torch.Generator().manual_seed(7), torch.from_numpy(data.vocabulary.encode(prompts))
    start = time.perf_counter()
    with autocast(CPU, data.params.train.precision):
        clips = np.concatenate([to_clips(peer.draw(part, rng)) for part in tokens.split(64)])
    speed = len(clips) / (time.perf_counter() - start)
    scores = score(judge_clips(clips), [parse_prompt(prompt) for prompt in prompts])
    return float(scores["joint"]["value"]), speed


def steps_that_fit(minutes: float, step: Callable[[int], object]) -> int:
    """How many calls of ``step`` take so long, judged by a few of them."""
    step(0)
    start = time.perf_counter()
    for number in range(1, TRIED + 1):
        step(number)
    return max(int(minutes * 60 * TRIED / (time.perf_counter() - start)), TRIED)


def trained(peer: Peer, data: Data, minutes: float) -> dict[str, Any]:
    """Train for so long, looking now and then how far it is; the time of the looks does not count."""
    steps = steps_that_fit(minutes, peer.start(10**6))
    step, spent, reached = peer.start(steps), 0.0, {}
    prompts = data.prompts(data.layout.validation, peer.judged)
    with Progress(peer.name, steps, every=10) as progress:
        for number in range(steps):
            start = time.perf_counter()
            step(number)
            spent += (time.perf_counter() - start) / 60
            if (number + 1) % (steps // peer.looks) == 0:
                joint, _ = accuracy(peer, data, prompts)
                reached |= {goal: spent for goal in GOALS if joint >= goal and goal not in reached}
            progress.update(number + 1)
    times = {f"minutes to {goal}": round(reached[goal], 1) if goal in reached else "-" for goal in GOALS}
    return {"steps": steps, "minutes": round(spent, 1), **times}


def row(peer: Peer, data: Data, minutes: float) -> dict[str, Any]:
    """All that is told of one of them."""
    spent = trained(peer, data, minutes)
    found = {n: accuracy(peer, data, data.prompts(data.layout.test / n, peer.judged)) for n in TEST_SPLITS}
    return {
        "peer": peer.name,
        "parameters": sum(map(count, peer.networks())),
        **spent,
        **{name: joint for name, (joint, _) in found.items()},
        "videos judged": peer.judged,
        "network evaluations": peer.evaluations,
        "clips/s": float(np.median([speed for _, speed in found.values()])),
    }


def main(
    minutes: Annotated[float, typer.Option(help="Of training, for each.")] = 15,
    pixels: Annotated[bool, typer.Option(help="Diffusion in pixels, too.")] = False,
    root: Annotated[Path, typer.Option(help="The folder that holds params.yaml and data/latents.")] = Path(),
) -> None:
    """Train each for the same time, judge them, print the table."""
    layout = Layout(root)
    params = load_params(layout.params)
    pick_device(params.runtime)
    vocabulary = Vocabulary.load(layout.vocabulary)
    samples = Samples(PackedReader(layout.latents), vocabulary, params)
    data = Data(params, layout, samples, vocabulary, load_codec(layout.codec))
    kinds = [GanPeer, FlowPeer, *([PixelPeer] if pixels else [])]
    report("peers", [row(kind(data), data, minutes) for kind in kinds])


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
