"""From token numbers to one vector per prompt."""

from torch import Tensor, nn


class TextEncoder(nn.Module):
    """A bag of learned word embeddings, added up or averaged.

    Adding up keeps what a word contributes the same whatever stands beside it, which is what lets ``up`` and ``right``
    meet for the first time in ``up-right``. Averaging is the tutorial's way.
    """

    def __init__(self, words: int, dim: int, pooling: str) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, dim, padding_idx=0)
        self.pooling = pooling

    def forward(self, tokens: Tensor) -> Tensor:
        """Token numbers ``int64[N, L]``, 0 for padding, to vectors ``float[N, dim]``."""
        total = self.embedding(tokens).sum(1)
        if self.pooling == "sum":
            return total
        return total / (tokens != 0).sum(1, keepdim=True).clamp(min=1)
