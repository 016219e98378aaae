"""Which samples make up which step."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

LEAST_MARGIN = 0.2  # no prompt is forgotten
MARGIN_RATE = 0.1  # of the moving average of a prompt's margins


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
        """The sample numbers of ``step``, ``int64[batch]``; the rest of an epoch that fills no batch is left out."""
        epoch, position = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            self._order = torch.randperm(self.samples, generator=generator)
            self._epoch = epoch
        return self._order[position * self.batch : (position + 1) * self.batch]


class Priorities:
    """How often the samples of each prompt are drawn: the more, the farther the generator is behind (after Schaul et
    al., Prioritized Experience Replay, ICLR 2016). All samples of one prompt are as likely, so that nothing that they
    show becomes more frequent under it.
    """

    def __init__(self, captions: Sequence[str], exponent: float) -> None:
        prompts: dict[str, int] = {}
        self.prompt_of = np.array([prompts.setdefault(caption, len(prompts)) for caption in captions])
        self.exponent = exponent
        self.margins = np.ones(len(prompts))

    def draw(self, samples: int, rng: torch.Generator) -> Tensor:
        """So many sample numbers, ``int64[samples]``, any of them perhaps more than once."""
        weights = np.maximum(self.margins, LEAST_MARGIN) ** self.exponent
        return torch.multinomial(torch.from_numpy(weights[self.prompt_of]), samples, True, generator=rng)

    def update(self, samples: Tensor, margins: Tensor) -> None:
        """Take in by how much each of ``samples``, ``int64[B]``, looks more real than what was generated for it."""
        for prompt, margin in zip(self.prompt_of[samples.numpy()], margins.tolist(), strict=True):
            self.margins[prompt] += MARGIN_RATE * (margin - self.margins[prompt])

    def state_dict(self) -> dict[str, Any]:
        """What the next draw depends on."""
        return {"margins": self.margins.tolist()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.margins = np.array(state["margins"])
