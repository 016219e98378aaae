"""Several processes, on one machine or many, that train one model together (``torchrun``).

Each holds the same weights and works on its share of every batch; before an update, the gradients are averaged. All
draw the same random numbers for the whole batch and use their share of them, so that the result is that of one process,
but for rounding. The main process alone saves and writes.
"""

import io
import math
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn.functional import all_reduce

from text2video.console import Progress
from text2video.errors import Stopped, UserError
from text2video.training.checkpoint import SIGNALS, CheckpointStore, checkpoint_file, resumable

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """This process's number, and how many there are. One process alone is the main one."""

    rank: int = 0
    world: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process that saves and writes."""
        return self.rank == 0

    def share(self, items: int, key: str = "train.batch") -> slice:
        """Which items of a batch are this process's.

        Raises UserError, with the parameter ``key`` as advice, when they cannot be shared evenly.
        """
        if items % self.world:
            raise UserError(f"{key}: {items} cannot be shared evenly by {self.world} processes")
        each = items // self.world
        return slice(self.rank * each, (self.rank + 1) * each)

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Give each parameter the mean of the gradients that the processes have for it."""
        if self.world == 1:
            return
        gradients = [value.grad for value in parameters if value.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.world
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def mean(self, values: Tensor) -> Tensor:
        """The mean of what the processes hold. Overwrites ``values``."""
        if self.world > 1:
            distributed.all_reduce(values)
        return values / self.world

    def gather(self, value: T) -> list[T]:
        """What the processes have, in their order, for the main one; an empty list for the others."""
        if self.world == 1:
            return [value]
        values: list = [None] * self.world if self.is_main else []
        distributed.gather_object(value, values if self.is_main else None)
        return values

    def share_statistics(self, network: nn.Module) -> None:
        """Let the batch normalisation in ``network`` see the whole batch, and not this process's share alone."""
        for parent in list(network.modules()) if self.world > 1 else []:
            for name, layer in parent.named_children():
                if isinstance(layer, nn.BatchNorm2d):
                    setattr(parent, name, SharedBatchNorm(layer.num_features, affine=False))

    def progress(self, label: str, total: int, unit: str = "steps", **options: Any) -> Progress:
        """A progress line, which only the main process shows."""
        return Progress(label, total, unit, stream=None if self.is_main else io.StringIO(), **options)

    def device(self, device: torch.device) -> torch.device:
        """``device``, or, where several processes share a machine with several of its kind, this process's own."""
        if self.world == 1 or device.type != "cuda" or device.index is not None:
            return device
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation by the mean and variance over all processes. (torch's own, SyncBatchNorm, needs GPUs.)"""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def forward(self, x: Tensor) -> Tensor:
        """``float[N, channels, h, w]`` to the same shape."""
        if not self.training:
            return super().forward(x)
        world = distributed.get_world_size()
        with torch.autocast(x.device.type, enabled=False):
            values = x.float()
            moments = torch.stack((values.mean((0, 2, 3)), values.square().mean((0, 2, 3))))
            mean, square = all_reduce(moments) / world
            variance = square - mean.square()
            with torch.no_grad():
                count = world * x.numel() // self.num_features
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance * count / (count - 1), self.momentum)
                self.num_batches_tracked += 1
            scale = (variance + self.eps).rsqrt()
            return ((values - mean[:, None, None]) * scale[:, None, None]).to(x.dtype)


class Following(CheckpointStore):
    """The state that the main process saved, read by another one, which saves nothing itself."""

    def steps(self, start: int, total: int) -> Iterator[int]:
        """The numbers of the steps from ``start`` on."""
        return iter(range(start, total))


@contextmanager
def resumable_ranks(stage: str, root: Path, run: str, every: float, ranks: Ranks) -> Iterator[CheckpointStore]:
    """``resumable`` for the main process. The others read what it saved and end with it: it saves when a signal
    comes. Raises Stopped, for them, when the main process is gone.
    """
    if ranks.is_main:
        with resumable(stage, root, run, every) as checkpoints:
            yield checkpoints
        return
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    try:
        yield Following(checkpoint_file(stage, root, run), math.inf)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise Stopped(f"process {ranks.rank} stops with the main one ({reason})", signal.SIGTERM) from error


@contextmanager
def init_distributed() -> Iterator[Ranks]:
    """The ranks that ``torchrun`` started; this process alone where it did not."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks()
        return
    distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Ranks(distributed.get_rank(), world)
    finally:
        distributed.destroy_process_group()
