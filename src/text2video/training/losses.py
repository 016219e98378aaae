"""The objectives of the two GANs, each as one loss for the discriminator and one for the generator."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def relativistic(winner: Tensor, loser: Tensor) -> Tensor:
    """Mean loss of the logits ``winner`` not lying above those of ``loser``, ``float[N, 2 + K]`` each, pair by pair.

    The relativistic pairing loss (Jolicoeur-Martineau, ICLR 2019), as R3GAN (Huang et al., NeurIPS 2024) uses it.
    """
    return together(F.softplus(loser - winner)).mean()


def together(values: Tensor) -> Tensor:
    """The clip critic's value, the path critic's, and the mean of the frame critic's: ``float[N, 2 + K]`` to
    ``float[N]``."""
    return values[:, 0] + values[:, 1] + values[:, 2:].mean(1)


def gradient_penalty(critic: Callable[[Tensor], Tensor], latents: Tensor) -> Tensor:
    """Mean squared norm of the gradient of the logits by the latents: R1 on real ones, R2 on generated ones.

    Mescheder et al., ICML 2018. Each clip counts once, all of its dimensions summed.
    """
    latents = latents.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(together(critic(latents)).sum(), latents, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()


def mismatched(tokens: Tensor, generator: torch.Generator) -> Tensor:
    """For each prompt another one of the batch that says something else: ``int64[N, L]`` to ``int64[N, L]``.

    Half are drawn at random, half are the nearest by shared words, so that one wrong word is enough to be told apart.
    Two prompts say something else when each has a word that the other lacks: ``circle moving up`` is no mismatch for
    ``red circle moving up``. A prompt that has no such partner keeps itself, which teaches nothing and does no harm.
    """
    words = F.one_hot(tokens.cpu(), int(tokens.max()) + 1).amax(1)[:, 1:].float()
    shared = words @ words.T
    count = words.sum(1)
    other = (shared < count[:, None]) & (shared < count[None, :])
    noise = torch.rand(shared.shape, generator=generator)
    nearest = torch.rand(len(tokens), 1, generator=generator) < 0.5
    preference = torch.where(nearest, shared + noise, 1 + noise)
    partner = torch.where(other, preference, torch.zeros(())).argmax(1)
    partner = torch.where(other.any(1), partner, torch.arange(len(tokens)))
    return tokens[partner]
