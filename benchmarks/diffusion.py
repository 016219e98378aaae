"""A peer for the GAN: the public package video-diffusion-pytorch, in pixels, as its page shows how to use it.

A 3D U-Net (Ho et al., Video Diffusion Models, 2022). It is in no requirements file, for nothing else needs it:
`.venv/bin/python -m pip install video-diffusion-pytorch`. `benchmarks/peers.py` compares.
"""

import torch
from torch import Tensor, nn

from text2video.errors import UserError
from text2video.text.encoder import TextEncoder

STEPS = 25  # of diffusion, and so of sampling: a clip takes a second a step, and its default is 1000
WIDTH = 16  # of the first level, which makes it about as large as our generator


class PixelDiffusion(nn.Module):
    """Its U-Net and its diffusion, with our text encoder in place of BERT, which would be loaded from the network."""

    def __init__(self, size: int, frames: int, words: int, text_dim: int) -> None:
        super().__init__()
        try:
            from video_diffusion_pytorch import GaussianDiffusion, Unet3D
        except ImportError as error:
            raise UserError(
                "not installed: pip install video-diffusion-pytorch, or leave out --pixels"
            ) from error
        self.text = TextEncoder(words, text_dim, "sum")
        network = Unet3D(dim=WIDTH, cond_dim=text_dim, dim_mults=(1, 2, 4), attn_heads=4)
        self.diffusion = GaussianDiffusion(
            network, image_size=size, num_frames=frames, timesteps=STEPS, loss_type="l2"
        )

    def forward(self, clips: Tensor, tokens: Tensor) -> Tensor:
        """The loss on clips ``float[N, T, 3, H, W]`` in [-1, 1] and word numbers ``int64[N, L]``."""
        loss: Tensor = self.diffusion((clips.transpose(1, 2) + 1) / 2, cond=self.text(tokens).whole)
        return loss

    @torch.no_grad()
    def sample(self, tokens: Tensor) -> Tensor:
        """Clips ``float[N, T, 3, H, W]`` in [-1, 1] for word numbers ``int64[N, L]``."""
        clips: Tensor = self.diffusion.sample(cond=self.text(tokens).whole)
        return clips.transpose(1, 2) * 2 - 1
