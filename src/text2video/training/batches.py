"""Which samples make up which step."""

import torch
from torch import Tensor


class Batches:
    """Shuffled batches of sample numbers: every epoch is a new permutation, and any step can be asked for.

    Nothing is remembered between steps, so that a resumed run sees what an uninterrupted one would have seen.
    """

    def __init__(self, samples: int, batch: int, seed: int) -> None:
        self.samples = samples
        self.batch = min(batch, samples)
        self.seed = seed
        self.per_epoch = samples // self.batch
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def __getitem__(self, step: int) -> Tensor:
        """The sample numbers of ``step``, int64[batch]; the rest of an epoch that fills no batch is left out."""
        epoch, position = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            self._order = torch.randperm(self.samples, generator=generator)
            self._epoch = epoch
        return self._order[position * self.batch : (position + 1) * self.batch]
