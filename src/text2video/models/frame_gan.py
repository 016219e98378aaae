"""The tutorial's GAN, layer for layer: each frame is a sample of its own, the discriminator sees no text."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text2video.models.codec import Codec
from text2video.text.encoder import Text


class FrameGenerator(nn.Module):
    """Noise and text to one frame at a time: a linear layer to a small grid, three transposed convolutions, tanh.

    For 64x64 RGB frames these are the tutorial's layers exactly; other latent shapes change the grid.
    """

    def __init__(self, latent_shape: tuple[int, int, int], text_dim: int, noise_dim: int = 100) -> None:
        super().__init__()
        channels, height, width = latent_shape
        self.grid = (256, height // 8, width // 8)
        self.noise_dim = noise_dim
        self.fc1 = nn.Linear(noise_dim + text_dim, 256 * self.grid[1] * self.grid[2])
        self.deconv1 = nn.ConvTranspose2d(256, 128, 4, 2, 1)
        self.deconv2 = nn.ConvTranspose2d(128, 64, 4, 2, 1)
        self.deconv3 = nn.ConvTranspose2d(64, channels, 4, 2, 1)

    def noise_shape(self, frames: int) -> tuple[int, ...]:
        """The shape of one clip's noise: every frame draws its own, which is why nothing ties them together."""
        return (frames, self.noise_dim)

    def forward(self, noise: Tensor, text: Text, codec: Codec) -> Tensor:
        """Noise ``float[N, T, noise_dim]`` and text to a video ``float[N, T, 3, H, W]``."""
        frames = noise.shape[1]
        x = torch.cat((noise, text.whole[:, None].expand(-1, frames, -1)), dim=2).flatten(0, 1)
        x = self.fc1(x).unflatten(1, self.grid)
        x = F.relu(self.deconv1(x))
        x = F.relu(self.deconv2(x))
        return codec.decode(torch.tanh(self.deconv3(x)).unflatten(0, (-1, frames)))

    def encoded(self, noise: Tensor, text: Text, codec: Codec) -> Tensor:
        """That as the discriminator sees it: latents ``float[N, T, C, h, w]``."""
        return codec.encode(self(noise, text, codec))

    def best(self, noise: Tensor, text: Text, codec: Codec, preference: Callable[[Tensor], Tensor]) -> Tensor:
        """Of the videos that noise and text come to, the one whose latents the ``preference`` is largest for,
        ``float[1, T, 3, H, W]``."""
        videos = self(noise, text, codec)
        return videos[preference(codec.encode(videos)).argmax()][None]


class FrameDiscriminator(nn.Module):
    """Three strided convolutions and a linear layer: the probability that a frame is real, whatever the prompt."""

    def __init__(self, latent_shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, width = latent_shape
        self.conv1 = nn.Conv2d(channels, 64, 4, 2, 1)
        self.conv2 = nn.Conv2d(64, 128, 4, 2, 1)
        self.conv3 = nn.Conv2d(128, 256, 4, 2, 1)
        self.fc1 = nn.Linear(256 * (height // 8) * (width // 8), 1)

    def forward(self, latents: Tensor) -> Tensor:
        """Latents ``float[N, T, C, h, w]`` to probabilities ``float[N * T]`` in (0, 1)."""
        x = F.leaky_relu(self.conv1(latents.flatten(0, 1)), 0.2)
        x = F.leaky_relu(self.conv2(x), 0.2)
        x = F.leaky_relu(self.conv3(x), 0.2)
        return torch.sigmoid(self.fc1(x.flatten(1))).squeeze(1)

    def preference(self, latents: Tensor, tokens: Tensor) -> Tensor:
        """How real the frames of each video look, ``float[N]``."""
        return self(latents).unflatten(0, latents.shape[:2]).mean(1)
