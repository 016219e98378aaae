"""From prompts to clips, with networks that are trained: the same path for validation, export and users."""

import hashlib
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from text2video.models.codec import Codec
from text2video.models.frame_gan import FrameDiscriminator, FrameGenerator
from text2video.models.video_gan import VideoDiscriminator, VideoGenerator
from text2video.text.encoder import Text, TextEncoder
from text2video.text.vocabulary import Vocabulary
from text2video.video import to_clips


def draw_noise(shape: tuple[int, ...], prompt: str, seed: int, number: int) -> Tensor:
    """Standard normal noise ``float32[shape]`` that depends on the prompt, the seed and the number of the clip alone.

    So a clip is the same whatever else is asked for beside it.
    """
    digest = hashlib.sha256(f"{seed}/{number}/{prompt}".encode("utf-8", "surrogatepass")).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    return torch.randn(shape, generator=generator)


class Sampler:
    """A generator, its text encoder, a codec and a vocabulary, put together."""

    def __init__(
        self,
        generator: FrameGenerator | VideoGenerator,
        text_encoder: TextEncoder,
        codec: Codec,
        vocabulary: Vocabulary,
        frames: int,
        device: torch.device | str = "cpu",
    ) -> None:
        self.generator, self.text_encoder, self.codec = generator, text_encoder, codec
        self.vocabulary, self.frames, self.device = vocabulary, frames, device

    def noise(self, prompts: Sequence[str], seed: int, numbers: Sequence[int]) -> Tensor:
        """One clip's noise for each prompt and number."""
        shape = self.generator.noise_shape(self.frames)
        return torch.stack([draw_noise(shape, p, seed, k) for p, k in zip(prompts, numbers, strict=True)])

    @torch.no_grad()
    def clips(self, prompts: Sequence[str], noise: Tensor) -> np.ndarray:
        """Clips ``uint8[N, T, H, W, 3]`` for prompts and their noise, computed as one batch."""
        return to_clips(self.generator(*self._inputs(prompts, noise)))

    @torch.no_grad()
    def best_clip(
        self, prompt: str, seed: int, number: int, candidates: int,
        discriminator: FrameDiscriminator | VideoDiscriminator,
    ) -> np.ndarray:  # fmt: skip
        """One clip ``uint8[1, T, H, W, 3]``: of so many candidates, drawn as one batch, the one that the discriminator
        prefers. (Azadi et al., ICLR 2019, reject by the discriminator.)"""
        noise = draw_noise((candidates, *self.generator.noise_shape(self.frames)), prompt, seed, number)
        if candidates == 1:
            return self.clips([prompt], noise)
        prompts = [prompt] * candidates
        prefers = partial(discriminator.preference, tokens=self._tokens(prompts))
        return to_clips(self.generator.best(*self._inputs(prompts, noise), prefers))

    def _tokens(self, prompts: Sequence[str]) -> Tensor:
        return torch.from_numpy(self.vocabulary.encode(prompts)).to(self.device)

    def _inputs(self, prompts: Sequence[str], noise: Tensor) -> tuple[Tensor, Text, Codec]:
        return noise.to(self.device), self.text_encoder(self._tokens(prompts)), self.codec
