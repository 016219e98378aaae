"""Latents and captions as batches for any kind of model."""

import numpy as np
import torch
from torch import Tensor

from text2video.data.packed import PackedReader
from text2video.models.base import Batch
from text2video.text.prompts import Prompts
from text2video.text.words import Words
from text2video.training.batches import Batches
from text2video.training.captions import CaptionCache
from text2video.training.ranks import Ranks


class TrainingSet:
    """Latents and prompts as batches for any kind of model."""

    def __init__(
        self, latents: PackedReader, captions: CaptionCache, batch: int, seed: int,
        frames_per_sample: int | None, word_dropout: float, ranks: Ranks,
    ) -> None:  # fmt: skip
        """``captions`` are the encoded captions of ``latents``. Raises UserError where one is missing."""
        self.latents, self.captions, self.ranks = latents, captions, ranks
        self.word_dropout = word_dropout
        self.rows = captions.rows(latents.captions)
        self.words = Words.from_captions(captions.captions).encode(captions.captions).tokens
        frames = latents.shape[0]
        self.parts = 1 if frames_per_sample is None else frames // frames_per_sample
        self.batches = Batches(len(latents) * self.parts, batch, seed)

    def batch(self, step: int, progress: float, rng: torch.Generator, device: torch.device) -> Batch:
        """The batch of a step; this process reads the latents of its share of it."""
        clips, part = np.divmod(self.batches[step].numpy(), self.parts)
        share = self.ranks.share(len(clips))
        latents = torch.from_numpy(self.latents[clips[share]])
        if self.parts > 1:
            length = latents.shape[1] // self.parts
            frames = torch.from_numpy(part[share])[:, None] * length + torch.arange(length)
            latents = latents[torch.arange(len(latents))[:, None], frames]
        rows = self.rows[clips]
        other = rows[mismatched(self.words[rows], rng)]
        prompts = drop_words(self.captions[rows], self.word_dropout, rng)
        return Batch(
            latents=latents.float().to(device), prompts=prompts[share].to(device),
            mismatched=self.captions[other[share]].to(device), progress=progress, step=step, size=len(clips),
            share=share, rng=rng,
        )  # fmt: skip


def drop_words(prompts: Prompts, share: float, rng: torch.Generator) -> Prompts:
    """``prompts`` without each token with probability ``share``; where none would be left, all stay.

    Frozen pooled vectors are kept whole.
    """
    kept = prompts.mask & (torch.rand(prompts.mask.shape, generator=rng) >= share)
    kept = torch.where(kept.any(1, keepdim=True), kept, prompts.mask)
    shape = (*kept.shape, *[1] * (prompts.tokens.ndim - 2))
    return Prompts(prompts.tokens * kept.view(shape), kept, prompts.pooled)


def mismatched(words: Tensor, rng: torch.Generator) -> Tensor:
    """For each prompt of a batch the number of another one that says something else, int64[N].

    ``words`` int64[N, L] are numbers of words, 0 for padding. Half of the partners are drawn at random, half are the
    nearest by shared words, so that one wrong word is enough to be told apart. Two prompts say something else when each
    has a word that the other lacks. A prompt without such a partner keeps itself.
    """
    sets = torch.zeros(len(words), int(words.max()) + 1).scatter_(1, words, 1.0)[:, 1:]
    shared, count = sets @ sets.T, sets.sum(1)
    other = (shared < count[:, None]) & (shared < count[None, :])
    noise = torch.rand(shared.shape, generator=rng)
    nearest = torch.rand(len(words), 1, generator=rng) < 0.5
    score = torch.where(nearest, shared + noise, 1 + noise)
    partner = torch.where(other, score, torch.zeros(())).argmax(1)
    return torch.where(other.any(1), partner, torch.arange(len(words)))
