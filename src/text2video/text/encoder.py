"""From token numbers to vectors: one for each word, and one for the whole prompt."""

from typing import NamedTuple

from torch import Tensor, nn


class Text(NamedTuple):
    """Prompts as networks read them."""

    words: Tensor
    """float[N, L, dim]: a vector for each word, zeros for padding."""
    whole: Tensor
    """float[N, dim]: the words together."""


class TextEncoder(nn.Module):
    """A bag of learned word embeddings, added up or averaged.

    Adding up keeps what a word contributes the same whatever stands beside it, which is what lets ``up`` and ``right``
    meet for the first time in ``up-right``. Averaging is the tutorial's way.
    """

    def __init__(self, words: int, dim: int, pooling: str) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, dim, padding_idx=0)
        self.pooling = pooling

    def forward(self, tokens: Tensor) -> Text:
        """Token numbers ``int64[N, L]``, 0 for padding, to vectors."""
        words = self.embedding(tokens)
        total = words.sum(1)
        if self.pooling == "mean":
            total = total / (tokens != 0).sum(1, keepdim=True).clamp(min=1)
        return Text(words, total)
