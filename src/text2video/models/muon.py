"""Muon: momentum whose matrices are made orthogonal (Jordan et al., 2024).

It multiplies in float32 or, inside autocast, in that precision; PyTorch's own always in bfloat16, which not every
processor has.
"""

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

STEPS = 5
A, B, C = 3.4445, -4.7750, 2.0315  # of the polynomial that drives singular values towards 1


class Muon(torch.optim.Optimizer):
    """For matrices, and kernels of convolutions, each output channel a row. With the scale of Liu et al. (2025), the
    learning rate of AdamW fits."""

    def __init__(self, weights: ParamsT, lr: float, momentum: float = 0.95, weight_decay: float = 0.01) -> None:
        super().__init__(weights, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One step, with Nesterov momentum."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                moment = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                direction = orthogonal(weight.grad.lerp(moment, group["momentum"]).flatten(1))
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                size = -0.2 * max(direction.shape) ** 0.5 * group["lr"]
                weight.add_(direction.view_as(weight), alpha=size)


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix with the singular vectors of ``matrix`` and singular values of about 1, by Newton and Schulz."""
    tall = len(matrix) > matrix.shape[1]
    x = matrix.mT if tall else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(STEPS):
        gram = x @ x.mT
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
    return x.mT if tall else x
