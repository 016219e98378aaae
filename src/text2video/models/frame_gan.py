"""The tutorial's GAN, layer for layer: each frame is a sample of its own, and the discriminator sees no text."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text2video.models.base import GAN, PLAIN, Batch, SampleOptions, Spec, Update
from text2video.models.codec import Codec
from text2video.params import FrameGanParams
from text2video.text.prompts import Prompts


class FrameGenerator(nn.Module):
    """Noise and text to one frame at a time: a linear layer to a small grid, three transposed convolutions, tanh.

    For 64x64 RGB frames these are the tutorial's layers exactly; other latent shapes change the grid.
    """

    def __init__(self, latent_shape: tuple[int, int, int], text_dim: int, noise_dim: int = 100) -> None:
        super().__init__()
        channels, height, width = latent_shape
        self.grid = (256, height // 8, width // 8)
        self.fc1 = nn.Linear(noise_dim + text_dim, 256 * self.grid[1] * self.grid[2])
        self.deconv1 = nn.ConvTranspose2d(256, 128, 4, 2, 1)
        self.deconv2 = nn.ConvTranspose2d(128, 64, 4, 2, 1)
        self.deconv3 = nn.ConvTranspose2d(64, channels, 4, 2, 1)

    def forward(self, noise: Tensor, text: Tensor) -> Tensor:
        """Noise float[N, T, noise_dim] and text float[N, text_dim] to latents float[N, T, C, h, w] in [-1, 1]."""
        frames = noise.shape[1]
        x = torch.cat((noise, text[:, None].expand(-1, frames, -1)), dim=2).flatten(0, 1)
        x = self.fc1(x).unflatten(1, self.grid)
        x = F.relu(self.deconv1(x))
        x = F.relu(self.deconv2(x))
        return torch.tanh(self.deconv3(x)).unflatten(0, (-1, frames))


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
        """Latents float[N, T, C, h, w] to probabilities float[N * T] in (0, 1)."""
        x = F.leaky_relu(self.conv1(latents.flatten(0, 1)), 0.2)
        x = F.leaky_relu(self.conv2(x), 0.2)
        x = F.leaky_relu(self.conv3(x), 0.2)
        return torch.sigmoid(self.fc1(x.flatten(1))).squeeze(1)


class FrameGAN(GAN):
    """The tutorial's system: binary cross-entropy on single frames, Adam for both networks."""

    frames_per_sample = 1

    def __init__(self, params: FrameGanParams, spec: Spec) -> None:
        super().__init__()
        self.params, self.frames = params, spec.frames
        self.generator = FrameGenerator(spec.latent_shape, spec.text_dim, params.noise_dim)
        self.text_encoder = spec.text_encoder()
        self.discriminator = FrameDiscriminator(spec.latent_shape)

    def training_step(self, batch: Batch, codec: Codec, update: Update) -> dict[str, Tensor]:
        """Discriminator: real frames are real, generated ones are not. Generator: its frames are called real."""
        noise = batch.randn(batch.latents.shape[1], self.params.noise_dim)
        # Generated frames are judged as real ones are: after a way through the codec.
        fake = codec.encode(codec.decode(self.generator(noise, self.text_encoder(batch.prompts).pooled)))
        loss_d = bce(self.discriminator(batch.latents), 1.0) + bce(self.discriminator(fake.detach()), 0.0)
        update("discriminator", loss_d)
        self.discriminator.requires_grad_(False)
        loss_g = bce(self.discriminator(fake), 1.0)
        update("generator", loss_g)
        self.discriminator.requires_grad_(True)
        return {"loss_d": loss_d, "loss_g": loss_g}

    def noise_shape(self) -> tuple[int, ...]:
        """Noise of its own for each frame."""
        return (self.frames, self.params.noise_dim)

    def sample(self, noise: Tensor, prompts: Prompts, codec: Codec, options: SampleOptions = PLAIN) -> Tensor:
        """Noise float[N, T, noise_dim] and N prompts to videos float[N, T, 3, H, W], about in [-1, 1]."""
        return codec.decode(self.generator(noise, self.text_encoder(prompts).pooled))


def bce(probabilities: Tensor, label: float) -> Tensor:
    """Binary cross-entropy of probabilities float[N] against one label, 1 for real and 0 for generated."""
    with torch.autocast(probabilities.device.type, enabled=False):  # torch refuses it in half precision
        return F.binary_cross_entropy(probabilities.float(), torch.full_like(probabilities, label, dtype=torch.float32))
