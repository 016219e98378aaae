"""A peer for the GAN: a rectified flow (Liu et al., ICLR 2023) on the same latents, of the same size.

It learns the velocity that carries noise to a clip along a straight line, and samples by following it in small steps,
with classifier-free guidance (Ho and Salimans, 2022). `benchmarks/peers.py` compares the two.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text2video.models.video_gan import ModulatedBlock
from text2video.text.encoder import TextEncoder

GUIDED_STEPS = 20  # of sampling, each with and without the prompt
TIMES = 16  # pairs of waves that tell the network how far a clip is from noise


class VelocityField(nn.Module):
    """The velocity of a noisy clip, frames stacked as channels, by a residual network that text and time modulate."""

    def __init__(
        self, latent_shape: tuple[int, int, int], frames: int, words: int, text_dim: int, width: int = 96,
        blocks: int = 6, code_dim: int = 128,
    ) -> None:  # fmt: skip
        super().__init__()
        channels = frames * latent_shape[0]
        self.text = TextEncoder(words, text_dim, "sum")
        self.code = nn.Sequential(
            nn.Linear(text_dim + 2 * TIMES, code_dim), nn.SiLU(), nn.Linear(code_dim, code_dim)
        )
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(ModulatedBlock(width, code_dim) for _ in range(blocks))
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.zeros_(self.last.weight)

    def forward(self, clips: Tensor, time: Tensor, tokens: Tensor) -> Tensor:
        """Clips ``float[N, T, C, h, w]`` at ``time`` ``float[N]``, 0 for noise and 1 for a clip, to velocities."""
        waves = time[:, None] * torch.arange(1, TIMES + 1, device=time.device) * math.pi
        code = self.code(torch.cat((self.text(tokens).whole, waves.sin(), waves.cos()), dim=1))
        x = self.first(clips.flatten(1, 2))
        for block in self.blocks:
            x = block(x, code)
        return self.last(F.leaky_relu(x, 0.2)).unflatten(1, clips.shape[1:3])


def flow_loss(field: VelocityField, clips: Tensor, tokens: Tensor, rng: torch.Generator) -> Tensor:
    """Mean squared error of the velocity at times drawn in the middle more often (Esser et al., 2024).

    One prompt in ten is blanked, so that the field also learns what goes for any prompt, which guidance needs.
    """
    time = torch.randn(len(clips), generator=rng).sigmoid()
    noise = torch.randn(clips.shape, generator=rng)
    blank = torch.rand(len(clips), 1, generator=rng) < 0.1
    between = torch.lerp(noise, clips, time[:, None, None, None, None])
    return F.mse_loss(field(between, time, tokens.masked_fill(blank, 0)).float(), clips - noise)


@torch.no_grad()
def sample(
    field: VelocityField, tokens: Tensor, noise: Tensor, steps: int = GUIDED_STEPS, guidance: float = 2.0
) -> Tensor:
    """Latents ``float[N, T, C, h, w]`` from noise of that shape, by Euler steps."""
    x = noise
    for step in range(steps):
        time = torch.full((len(x),), step / steps)
        named, any_ = field(x, time, tokens).float(), field(x, time, torch.zeros_like(tokens)).float()
        x = x + (any_ + guidance * (named - any_)) / steps
    return x
