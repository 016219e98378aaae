"""Training, clips per second: our models against the tutorial's loop, and against what the processor can multiply.

Run from the repository: `python benchmarks/training.py`.
"""

from collections.abc import Callable
from typing import Any

import torch
import typer
from common import ROOT, rates, report
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from text2video.device import autocast, on_device
from text2video.models.base import Batch, Spec
from text2video.models.codec import build_codec
from text2video.models.kinds import kind_class
from text2video.params import Params, load_params
from text2video.text.encoder import WordEncoder
from text2video.text.prompts import Prompts
from text2video.training.dataset import mismatched
from text2video.training.trainer import Trainer

WORDS, SIDE = 40, 2048
CPU = torch.device("cpu")


def model_step(params: Params) -> Callable[[], None]:
    """A training step of a page's kind of model on random samples: what they show costs no time."""
    codec = on_device(build_codec(params.codec, params.data.height_width), CPU).eval().requires_grad_(False)
    text, shape = params.text, codec.latent_shape
    spec = Spec(shape, params.data.frames, lambda: WordEncoder(WORDS, text.dim, text.pooling), text.dim)
    model = on_device(kind_class(params.model.kind)(params.own, spec), CPU)
    trainer, rng = Trainer(model, codec, params.train, 10**6), torch.Generator().manual_seed(0)
    batch, frames = params.train.batch, model.frames_per_sample or params.data.frames
    real, tokens = torch.randn(batch, frames, *shape), torch.randint(1, WORDS, (batch, 4))
    prompts, steps = Prompts(tokens, tokens > 0, torch.empty(batch, 0)), iter(range(10**6))

    def step() -> None:
        number = next(steps)
        sample = Batch(
            real, prompts, prompts[mismatched(tokens, rng)], number / 10**6, number, batch, slice(0, batch), rng
        )
        with autocast(CPU, params.train.precision):
            trainer.step(sample)

    return step


def codec_step(params: Params) -> Callable[[], None]:
    """A training step of the codec on random frames."""
    codec = on_device(build_codec(params.codec, params.data.height_width), CPU)
    optimizer = torch.optim.Adam(codec.parameters(), fused=True)
    frames = torch.rand(params.codec.batch, 1, 3, *params.data.height_width)

    def step() -> None:
        with autocast(CPU, params.codec.precision):
            noise = torch.randn(len(frames), 1, *codec.latent_shape)
            loss = (codec(frames, noise).float() - frames).square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


class Counter(TorchDispatchMode):
    """Counts operations, backward passes too. (torch's FlopCounterMode does not bear gradients of gradients.)"""

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do what is asked, and count it."""
        result = func(*args, **(kwargs or {}))
        if count := flop_registry.get(func.overloadpacket):
            self.total += count(*args, **(kwargs or {}), out_val=result)
        return result


def flop_of(step: Callable[[], None], steps: int) -> float:
    """Operations of a step, counted, on average over so many."""
    with Counter() as counter:
        for _ in range(steps):
            step()
    return counter.total / steps


def main() -> None:
    """Steps of our models, of the tutorial's, of the codec, and plain matrix products, in turn."""
    ours, theirs = load_params(ROOT / "params.yaml"), load_params(ROOT / "tutorial" / "params.yaml")
    flow = Params.model_validate(ours.model_dump() | {"model": {"kind": "flow"}})
    steps = {
        "train": model_step(ours),
        "train a flow": model_step(flow),
        "tutorial": model_step(theirs),
        "autoencode": codec_step(ours),
    }
    every = ours.video_gan.gamma_every
    flop = {name: flop_of(step, every) for name, step in steps.items()}
    matrix = torch.randn(SIDE, SIDE)

    def work(name: str) -> Callable[[], float]:
        def call() -> float:
            for _ in range(every):
                steps[name]()
            return every

        return call

    def multiply() -> float:
        with autocast(CPU, ours.train.precision):
            for _ in range(4):
                matrix @ matrix
        return 4 * 2.0 * SIDE**3

    found = rates({**{name: work(name) for name in steps}, "matmul": multiply})
    clips = {
        "train": ours.train.batch,
        "train a flow": flow.train.batch,
        "tutorial": theirs.train.batch / 10,
        "autoencode": ours.codec.batch / 10,
    }
    slowest = found["tutorial"] * clips["tutorial"]
    report(
        "training",
        [
            {
                "what": name,
                "clips/s": found[name] * clips[name],
                "times the tutorial's loop": found[name] * clips[name] / slowest,
                "GFLOP/step": flop[name] / 1e9,
                "share of matmul speed": found[name] * flop[name] / found["matmul"],
            }
            for name in steps
        ],
    )


if __name__ == "__main__":
    typer.run(main)
