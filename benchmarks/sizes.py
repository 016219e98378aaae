"""Training of a flow by its depth: memory and speed, beside a 3D U-Net that works on pixels.

Run from the repository: `python benchmarks/sizes.py`. The U-Net is that of the package video-diffusion-pytorch (Ho et
al., 2022) at its own width of 64; without the package it is left out. Each row is measured in a process of its own.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Annotated

import torch
import typer
import yaml
from ablations import changed
from common import ROOT, report
from training import CPU, model_step

from text2video.device import autocast
from text2video.params import Params

DEPTHS, BATCHES, STEPS = (4, 6, 8, 12), (2, 4), 3


def flow_step(depth: int) -> tuple[Callable[[], None], int]:
    """A training step of a flow of that depth on random latents, and its clips."""
    page = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    params = Params.model_validate(changed(page, f"model.kind=flow flow.depth={depth}", 1))
    return model_step(params), params.train.batch


def unet_step(batch: int) -> tuple[Callable[[], None], int]:
    """A training step of the U-Net on random videos of ten frames, and their number."""
    from video_diffusion_pytorch import Unet3D

    network = Unet3D(dim=64, cond_dim=64)
    optimizer = torch.optim.Adam(network.parameters())
    videos, texts, times = torch.randn(batch, 3, 10, 64, 64), torch.randn(batch, 64), torch.randint(0, 1000, (batch,))

    def step() -> None:
        with autocast(CPU, "auto"):
            loss = (network(videos, times, cond=texts).float() - videos).square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step, batch


def say(kind: str, size: int) -> None:
    """Train a few steps in this process, and print clips a second and the most memory that it held."""
    step, clips = (flow_step if kind == "flow" else unet_step)(size)
    step()
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    speed = STEPS * clips / (time.perf_counter() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    print(json.dumps({"clips in a batch": clips, "clips/s": speed, "peak MB": memory}))


def measure(kind: str, size: int) -> dict[str, float]:
    """What a process of its own says of a model."""
    command = [sys.executable, __file__, "--only", f"{kind}={size}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


def main(
    only: Annotated[str | None, typer.Option(help="One row, in this process: flow=DEPTH or unet=BATCH.")] = None,
) -> None:
    """One row for each depth of the flow, and for each batch of the U-Net."""
    if only:
        kind, _, size = only.partition("=")
        return say(kind, int(size))
    asked = [("flow", depth) for depth in DEPTHS]
    if find_spec("video_diffusion_pytorch"):
        asked += [("unet", batch) for batch in BATCHES]
    rows = []
    for kind, size in asked:
        name = f"flow, depth {size}" if kind == "flow" else "3D U-Net, pixels"
        rows.append({"model": name, **measure(kind, size)})
        print(rows[-1], file=sys.stderr, flush=True)
    return report("sizes", rows)


if __name__ == "__main__":
    typer.run(main)
