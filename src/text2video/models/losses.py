"""The objective of the video GAN: relativistic pairs and gradient penalties."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def relativistic_loss(winner: Tensor, loser: Tensor) -> Tensor:
    """Mean of softplus(loser - winner), summed over the critics: float[N, 2 + K] logits each, pair by pair.

    The relativistic pairing loss (Jolicoeur-Martineau, ICLR 2019) as used by R3GAN (Huang et al., NeurIPS 2024).
    """
    return sum_of_logits(F.softplus(loser - winner)).mean()


def sum_of_logits(logits: Tensor) -> Tensor:
    """The clip critic's logit, the path critic's, and the mean of the frame critic's: float[N, 2 + K] to float[N]."""
    return logits[:, 0] + logits[:, 1] + logits[:, 2:].mean(1)


def gradient_penalty(critic: Callable[[Tensor], Tensor], latents: Tensor) -> Tensor:
    """Mean squared norm of the gradient of the logits by the latents: R1 on real ones, R2 on generated ones.

    Mescheder et al., ICML 2018. Each clip counts once, all of its dimensions summed.
    """
    latents = latents.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(sum_of_logits(critic(latents)).sum(), latents, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()
