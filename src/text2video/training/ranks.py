"""Several processes, on one machine or many, that train one model together (``torchrun``).

Each holds the same weights and works on its share of every batch; before an update, the gradients are averaged. All
draw the same random numbers for the whole batch and use their share of them, so that the result is that of one process,
but for rounding. The leader alone validates, saves and writes.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from text2video.errors import UserError


@dataclass(frozen=True)
class Ranks:
    """This process's number, and how many there are. One process alone is the leader of itself."""

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that validates, saves and writes."""
        return self.rank == 0

    def share(self, items: int) -> slice:
        """Which items of a batch are this process's. Raises UserError when they cannot be shared evenly."""
        if items % self.world:
            raise UserError(f"train.batch: {items} cannot be shared evenly by {self.world} processes")
        each = items // self.world
        return slice(self.rank * each, (self.rank + 1) * each)

    def average(self, parameters: Iterable[Tensor]) -> None:
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
        """The mean of what the processes hold."""
        if self.world > 1:
            distributed.all_reduce(values)
        return values / self.world

    def device(self, device: torch.device) -> torch.device:
        """``device``, or, where several processes share a machine with several of its kind, this process's own."""
        if self.world == 1 or device.type != "cuda" or device.index is not None:
            return device
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


@contextmanager
def joined() -> Iterator[Ranks]:
    """The processes that ``torchrun`` started, joined; this one alone where it did not."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks()
        return
    distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Ranks(distributed.get_rank(), world)
    finally:
        distributed.destroy_process_group()
