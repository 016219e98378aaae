"""From prompts to clips with a trained model: the same path in training, for exported models and for users."""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from text2video.models.base import PLAIN, SampleOptions, VideoModel
from text2video.models.codec import Codec
from text2video.text.prompts import Prompts, TextFrontend
from text2video.video import to_clips


def draw_noise(shape: tuple[int, ...], text: str, seed: int, number: int) -> Tensor:
    """Standard normal noise float32[shape] that depends on the text, the seed and the number of the clip alone."""
    digest = hashlib.sha256(f"{seed}/{number}/{text}".encode("utf-8", "surrogatepass")).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    return torch.randn(shape, generator=generator)


class Sampler:
    """A model, the codec that it works on and the frontend that reads its prompts."""

    def __init__(
        self, model: VideoModel, codec: Codec, frontend: TextFrontend, device: torch.device | str = "cpu"
    ) -> None:
        self.model, self.codec, self.frontend, self.device = model, codec, frontend, device

    def noise(self, prompts: Sequence[str], seed: int, numbers: Sequence[int]) -> Tensor:
        """One clip's noise for each prompt and number, the same for prompts that are read alike."""
        texts = map(self.frontend.canonical, prompts)
        shape = self.model.noise_shape()
        return torch.stack([draw_noise(shape, text, seed, n) for text, n in zip(texts, numbers, strict=True)])

    @torch.no_grad()
    def clips(self, prompts: Sequence[str], noise: Tensor) -> np.ndarray:
        """Clips uint8[N, T, H, W, 3] for N prompts and their noise, computed as one batch."""
        return to_clips(self.model.sample(noise.to(self.device), self._encode(prompts), self.codec))

    @torch.no_grad()
    def best_clip(
        self, prompt: str, seed: int, number: int, candidates: int = 1, frames: int | None = None,
        options: SampleOptions = PLAIN,
    ) -> np.ndarray:  # fmt: skip
        """One clip uint8[1, T, H, W, 3]: of so many candidates the one that the model ranks highest, the first where it
        cannot rank (rejection by the discriminator: Azadi et al., ICLR 2019).

        Where ``frames`` are more than the model draws at once, each next piece begins with the last half of the one
        before.
        """
        shape, text = (candidates, *self.model.noise_shape()), self.frontend.canonical(prompt)
        noise = draw_noise(shape, text, seed, number).to(self.device)
        prompts = self._encode([prompt])
        scores = None
        if candidates > 1:
            scores = self.model.rerank(noise, prompts[[0] * candidates], self.codec)
        best = 0 if scores is None else int(scores.argmax())
        video = self.model.sample(noise[best : best + 1], prompts, self.codec, options)
        length = video.shape[1]
        for piece in itertools.count(1):
            if video.shape[1] >= (frames or length):
                break
            noise = draw_noise((1, *shape[1:]), f"{text}/{piece}", seed, number).to(self.device)
            kept = length // 2
            going_on = replace(options, first=video[:, -kept:], like=None, change=None)
            video = torch.cat((video, self.model.sample(noise, prompts, self.codec, going_on)[:, kept:]), dim=1)
        return to_clips(video[:, :frames])

    def _encode(self, prompts: Sequence[str]) -> Prompts:
        return self.frontend.encode(prompts).to(self.device)
