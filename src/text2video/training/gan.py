"""Training the GAN: one loop for both kinds, and for each kind its recipe."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text2video.params import TrainParams
from text2video.training.losses import gradient_penalty, mismatched, relativistic


@dataclass
class Gan:
    """The networks of a GAN while it is trained."""

    generator: nn.Module
    text_encoder: nn.Module
    discriminator: nn.Module

    def average(self) -> nn.ModuleDict:
        """A copy of what generates, to hold the moving average of its weights (Yazici et al., ICLR 2019)."""
        return copy.deepcopy(nn.ModuleDict({"generator": self.generator, "text_encoder": self.text_encoder}))


class VideoRecipe:
    """Relativistic pairs of whole videos under the same prompt, mismatched prompts, R1 and R2 on every few steps."""

    def __init__(self, params: TrainParams) -> None:
        self.params = params

    def discriminator_loss(
        self, gan: Gan, real: Tensor, fake: Tensor, tokens: Tensor, step: int, gamma: float, rng: torch.Generator
    ) -> Tensor:
        """What the discriminator minimises on real and generated latents ``[N, T, C, h, w]`` of the same prompts."""
        critic = gan.discriminator
        seen = critic.features(real)
        real_logits = critic.score(seen, tokens)
        loss = relativistic(real_logits, critic(fake, tokens))
        if self.params.mismatch:
            loss = loss + self.params.mismatch * relativistic(real_logits, critic.score(seen, mismatched(tokens, rng)))
        if gamma and step % self.params.gamma_every == 0:
            penalty = gradient_penalty(critic, real, tokens) + gradient_penalty(critic, fake, tokens)
            loss = loss + self.params.gamma_every * gamma / 2 * penalty
        return loss

    def generator_loss(self, gan: Gan, real: Tensor, fake: Tensor, tokens: Tensor) -> Tensor:
        """What the generator minimises: that the real video of the prompt looks no more real than its own."""
        with torch.no_grad():
            real_logits = gan.discriminator(real, tokens)
        return relativistic(gan.discriminator(fake, tokens), real_logits)


class FrameRecipe:
    """The tutorial's: binary cross-entropy on single frames, no text in the discriminator."""

    def __init__(self, params: TrainParams) -> None:
        self.params = params

    def discriminator_loss(
        self, gan: Gan, real: Tensor, fake: Tensor, tokens: Tensor, step: int, gamma: float, rng: torch.Generator
    ) -> Tensor:
        """Real frames should be called real, generated ones generated."""
        real, fake = gan.discriminator(real), gan.discriminator(fake)
        return F.binary_cross_entropy(real, torch.ones_like(real)) + F.binary_cross_entropy(
            fake, torch.zeros_like(fake)
        )

    def generator_loss(self, gan: Gan, real: Tensor, fake: Tensor, tokens: Tensor) -> Tensor:
        """Generated frames should be called real."""
        fake = gan.discriminator(fake)
        return F.binary_cross_entropy(fake, torch.ones_like(fake))


def cosine(start: float, end: float, progress: float) -> float:
    """From ``start`` at progress 0 to ``end`` at progress 1, flat at both ends."""
    return end + (start - end) * (1 + math.cos(math.pi * min(progress, 1))) / 2


class GanTrainer:
    """All that one training run holds, and its step."""

    def __init__(self, gan: Gan, recipe: VideoRecipe | FrameRecipe, params: TrainParams, steps: int) -> None:
        self.gan, self.recipe, self.params, self.steps = gan, recipe, params, steps
        self.average = gan.average()
        betas = (float(params.beta1), float(params.beta2))
        generating = [*gan.generator.parameters(), *gan.text_encoder.parameters()]
        self.optimizer_g = torch.optim.Adam(generating, lr=params.lr, betas=betas)
        self.optimizer_d = torch.optim.Adam(gan.discriminator.parameters(), lr=params.lr, betas=betas)

    def step(self, step: int, real: Tensor, tokens: Tensor, rng: torch.Generator) -> dict[str, float]:
        """One update of the discriminator and one of the generator, on real latents ``[N, T, C, h, w]`` and prompts.

        ``rng`` draws the noise. Returns the two losses.
        """
        gan, progress = self.gan, step / self.steps
        for optimizer in (self.optimizer_d, self.optimizer_g):
            for group in optimizer.param_groups:
                group["lr"] = cosine(self.params.lr, self.params.lr_final, progress)
        noise = torch.randn((len(real), *gan.generator.noise_shape(real.shape[1])), generator=rng).to(real.device)

        fake = gan.generator(noise, gan.text_encoder(tokens))
        loss_d = self.recipe.discriminator_loss(gan, real, fake.detach(), tokens, step, self.params.gamma, rng)
        self._update(self.optimizer_d, loss_d)

        gan.discriminator.requires_grad_(False)
        loss_g = self.recipe.generator_loss(gan, real, fake, tokens)
        self._update(self.optimizer_g, loss_g)
        gan.discriminator.requires_grad_(True)
        self._follow()
        return {"loss_d": loss_d.item(), "loss_g": loss_g.item()}

    @staticmethod
    def _update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    @torch.no_grad()
    def _follow(self) -> None:
        pairs = (
            (self.average["generator"], self.gan.generator),
            (self.average["text_encoder"], self.gan.text_encoder),
        )
        for average, network in pairs:
            torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - self.params.ema)
