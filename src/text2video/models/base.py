"""What the training loop and the sampler ask of a model, whatever its kind."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from text2video.models.codec import Codec
from text2video.text.prompts import Prompts

# (optimizer or optimizers, loss): one step of each down the gradient of that loss
Update = Callable[[str | tuple[str, ...], Tensor], None]


@dataclass(frozen=True)
class SampleOptions:
    """What may be asked of a sampler beside the prompts. None: the model's own value; for change and share 0.5."""

    guidance: float | None = None
    """Scale of classifier-free guidance: 1 is none, more exaggerates the prompt."""
    steps: int | None = None
    """Steps from noise to video."""
    first: Tensor | None = None
    """float[N, K, 3, H, W] in [-1, 1]: the first K frames, which the video goes on from; K is less than T."""
    like: Tensor | None = None
    """float[N, T, 3, H, W] in [-1, 1]: videos to vary."""
    change: float | None = None
    """How much to change ``like``: 0 not at all, 1 all of it."""
    towards: Prompts | None = None
    """N other prompts to mix in."""
    share: float | None = None
    """How much these count: 0 not at all, 1 alone."""


PLAIN = SampleOptions()


@dataclass(frozen=True)
class Batch:
    """One step's clips. Several processes share a batch: each holds the latents of its own clips."""

    latents: Tensor
    """float[n, T, C, h, w] of this process's clips; T is 1 where a sample is a single frame."""
    prompts: Prompts
    """The prompts of these clips."""
    mismatched: Prompts
    """For each of these clips a prompt of the batch that says something else; its own where there is none."""
    progress: float
    """Share of the training that is done, in [0, 1)."""
    step: int
    """The number of the step, from 0."""
    size: int
    """Clips in the batch of all processes."""
    share: slice
    """Which of them are this process's."""
    rng: torch.Generator
    """Random numbers on the CPU, the same in every process."""

    def randn(self, *shape: int) -> Tensor:
        """Standard normal noise float[n, *shape], which does not depend on the number of processes."""
        return torch.randn((self.size, *shape), generator=self.rng)[self.share].to(self.latents.device)

    def rand(self, *shape: int) -> Tensor:
        """Likewise, uniform in [0, 1)."""
        return torch.rand((self.size, *shape), generator=self.rng)[self.share].to(self.latents.device)


class VideoModel(nn.Module):
    """A text-to-video model that works on the latents of a codec.

    A kind of model is a subclass. It holds its networks, its text encoder among them, and owns its losses and its
    sampler. What trains it knows none of these: it calls ``training_step`` with batches, and keeps the moving average
    of all weights, which is what users get.
    """

    frames_per_sample: int | None = None
    """Frames in one training sample; None for whole clips."""
    max_grad_norm = math.inf
    """The norm to which the gradient of an update is clipped."""
    options: frozenset[str] = frozenset()
    """The fields of ``SampleOptions`` that ``sample`` obeys; the others are never set."""

    def optimizers(self, lr: float) -> dict[str, torch.optim.Optimizer]:
        """The optimizers by name. The loop sets their learning rate, which goes from ``lr`` to ``train.lr_final``; a
        group of weights may have an ``lr_scale`` to multiply it by."""
        raise NotImplementedError

    def training_step(self, batch: Batch, codec: Codec, update: Update) -> dict[str, Tensor]:
        """One step on ``batch``: computes each loss and hands it to ``update`` with the names of its optimizers.

        ``codec`` is frozen and in evaluation mode; gradients may pass through it.

        Returns the losses by name, each a scalar, the same names in every step.
        """
        raise NotImplementedError

    def noise_shape(self) -> tuple[int, ...]:
        """The shape of one clip's noise."""
        raise NotImplementedError

    def sample(self, noise: Tensor, prompts: Prompts, codec: Codec, options: SampleOptions = PLAIN) -> Tensor:
        """Noise float[N, *noise_shape] and N prompts to videos float[N, T, 3, H, W], about in [-1, 1]."""
        raise NotImplementedError

    def rerank(self, noise: Tensor, prompts: Prompts, codec: Codec) -> Tensor | None:
        """A score for the video of each noise, float[N], higher is better; None if the kind has none."""
        return None


@dataclass(frozen=True)
class Spec:
    """What a model is made for, beside its own parameters."""

    latent_shape: tuple[int, int, int]
    """Channels, height and width of a frame's latents."""
    frames: int
    """Frames in a clip."""
    text_encoder: Callable[[], nn.Module]
    """Makes a new text encoder: ``Prompts`` to ``Encoded`` with vectors of ``text_dim`` numbers."""
    text_dim: int


class GAN(VideoModel):
    """A ``generator`` with a ``text_encoder``, against a ``discriminator``; ``params`` has the betas of Adam."""

    params: Any
    generator: Any
    text_encoder: Any
    discriminator: Any

    def optimizers(self, lr: float) -> dict[str, torch.optim.Optimizer]:
        """Adam for the generator with its text encoder, and Adam for the discriminator."""
        generator = [*self.generator.parameters(), *self.text_encoder.parameters()]
        weights = {"generator": generator, "discriminator": list(self.discriminator.parameters())}
        betas = (self.params.beta1, self.params.beta2)
        return {name: torch.optim.Adam(some, lr=lr, betas=betas, fused=True) for name, some in weights.items()}


def draw_noise(shape: tuple[int, ...], text: str, seed: int, number: int) -> Tensor:
    """Standard normal noise float32[shape] that depends on the text, the seed and the number of the clip alone."""
    digest = hashlib.sha256(f"{seed}/{number}/{text}".encode("utf-8", "surrogatepass")).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    return torch.randn(shape, generator=generator)


def cosine(start: float, end: float, progress: float) -> float:
    """From ``start`` at progress 0 to ``end`` at progress 1, flat at both ends."""
    return end + (start - end) * (1 + math.cos(math.pi * min(progress, 1))) / 2
