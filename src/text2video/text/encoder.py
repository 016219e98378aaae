"""The trained part of the text encoder: from encoded prompts to a vector for each token and one for the prompt."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from text2video.params import TextParams
from text2video.text.prompts import Prompts, TextFrontend

Pooling = Literal["sum", "mean"]
HEADS = 8  # of the attention that pools features


class Encoded(NamedTuple):
    """N prompts as models read them."""

    tokens: Tensor
    """float[N, L, dim]: a vector for each token, zeros for padding."""
    mask: Tensor
    """bool[N, L]: True for tokens, False for padding."""
    pooled: Tensor
    """float[N, dim]: the whole prompt."""


class WordEncoder(nn.Module):
    """A learned embedding for each word; the pooled vector is their sum or mean, in which each word counts once.

    In the sum a word adds the same vector whatever stands beside it, so that a model can read combinations of words
    that it was never trained on. The mean is the tutorial's way.
    """

    def __init__(self, words: int, dim: int, pooling: Pooling) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, dim, padding_idx=0)
        self.pooling = pooling

    def forward(self, prompts: Prompts) -> Encoded:
        """Token ids ``int64[N, L]`` to vectors."""
        tokens = self.embedding(prompts.tokens)
        said_before = (prompts.tokens[:, :, None] == prompts.tokens[:, None]).tril(-1).any(2)
        counted = prompts.mask & ~said_before
        pooled = (tokens * counted[..., None]).sum(1)
        if self.pooling == "mean":
            pooled = pooled / counted.sum(1, keepdim=True)
        return Encoded(tokens, prompts.mask, pooled)


class FeatureEncoder(nn.Module):
    """Frozen features t_l and their frozen pooled vector p, both layer-normalised, mapped to ``dim``.

    Tokens are T t_l. The pooled vector is S p + G [sum_l a_1l T t_l, ..., sum_l a_Hl T t_l], where head h attends with
    a_h = softmax_l(q_h t_l). With p alone, fewer motions in words that were never trained are understood.
    """

    def __init__(self, features: int, dim: int) -> None:
        super().__init__()
        self.token, self.sentence = nn.Linear(features, dim), nn.Linear(features, dim)
        for layer in (self.token, self.sentence):  # unit variance, as embeddings have it
            nn.init.normal_(layer.weight, std=features**-0.5)
        self.query, self.gather = nn.Linear(features, HEADS), nn.Linear(HEADS * dim, dim)

    def forward(self, prompts: Prompts) -> Encoded:
        """Features ``float[N, L, D]`` and pooled vectors ``float[N, D]`` to vectors."""
        features, mask = layer_norm(prompts.tokens, prompts.tokens.shape[2:]), prompts.mask[:, :, None]
        tokens = self.token(features).masked_fill(~mask, 0)
        attention = self.query(features).masked_fill(~mask, -torch.inf).softmax(1)
        gathered = self.gather((attention.transpose(1, 2) @ tokens).flatten(1))
        pooled = self.sentence(layer_norm(prompts.pooled, prompts.pooled.shape[1:])) + gathered
        return Encoded(tokens, prompts.mask, pooled)


def build_text_encoder(frontend: TextFrontend, params: TextParams) -> WordEncoder | FeatureEncoder:
    """The trained part for a frontend. ``pooling`` is of words; a frozen encoder has its own."""
    if frontend.features:
        return FeatureEncoder(frontend.features, params.dim)
    return WordEncoder(frontend.vocabulary, params.dim, params.pooling)
