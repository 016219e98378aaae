"""The boundary between text and models: what a frontend makes of prompts, and what a frontend can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

FRONTEND_FILE = "text.json"  # in the folder that a frontend is saved to


@dataclass(frozen=True)
class Prompts:
    """N prompts as a frontend encodes them, without trained parameters."""

    tokens: Tensor
    """int64[N, L]: token ids, 0 for padding; or float32[N, L, D]: frozen features, zeros for padding."""
    mask: Tensor
    """bool[N, L]: True for tokens, False for padding. Every row has a token. Frontends put tokens first."""
    pooled: Tensor
    """float32[N, D]: a frozen vector for each prompt; D is 0 where tokens are words."""

    def __len__(self) -> int:
        return len(self.mask)

    def __getitem__(self, rows: Tensor | slice | Sequence[int]) -> "Prompts":
        """Some of the prompts, in the order of ``rows``; also one of them many times."""
        return Prompts(self.tokens[rows], self.mask[rows], self.pooled[rows])

    def to(self, device: torch.device | str) -> "Prompts":
        """The same on ``device``."""
        return Prompts(self.tokens.to(device), self.mask.to(device), self.pooled.to(device))


def pad(tokens: Sequence[Tensor], pooled: Sequence[Tensor], length: int | None = None) -> Prompts:
    """Prompts of N tensors ``[L_i]`` or ``[L_i, D]`` and N vectors, padded to ``length`` or the longest; N >= 1."""
    length = length or max(map(len, tokens))
    padded = tokens[0].new_zeros(len(tokens), length, *tokens[0].shape[1:])
    mask = torch.zeros(len(tokens), length, dtype=torch.bool)
    for row, values in enumerate(tokens):
        padded[row, : len(values)] = values
        mask[row, : len(values)] = True
    return Prompts(padded, mask, torch.stack(list(pooled)))


class TextFrontend(Protocol):
    """A way to read prompts: a kind of ``text.kind``. It is not trained together with a model."""

    # What the trained part is built from; known without loading anything.
    vocabulary: int
    """The number of words, padding included; 0 where tokens are features."""
    features: int
    """The width of frozen features; 0 where tokens are words."""

    def encode(self, prompts: Sequence[str]) -> Prompts:
        """Encode N >= 1 prompts. A prompt's values do not depend on the others, to the bit."""

    def encode_many(self, prompts: Sequence[str]) -> Prompts:
        """The same up to rounding, in the quickest way: for a cache."""

    def canonical(self, prompt: str) -> str:
        """A text that is equal for prompts which are encoded equally; its hash seeds the noise."""

    def check_prompt(self, prompt: str) -> str | None:
        """A one-line warning about what will not be understood, or None.

        Raises UserError when there is nothing to draw at all: no word, or no valid text.
        """

    def save(self, folder: Path) -> None:
        """Write all that ``load_text`` needs into an existing folder."""
