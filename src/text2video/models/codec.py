"""Codecs: the space in which models work. Each maps a frame to a small grid of channels and back."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text2video.params import CodecParams


class Codec(nn.Module):
    """What a codec offers: the shape of a frame's code as ``latent_shape``, and the way there and back."""

    latent_shape: tuple[int, int, int]
    side = 1  # of the squares that it reads a frame by, in pixels

    def encode(self, video: Tensor) -> Tensor:
        """Video ``float[N, T, 3, H, W]`` in [-1, 1] to latents ``float[N, T, *latent_shape]``."""
        return self.encode_squares(squares(video, self.side))

    def encode_squares(self, cut: Tensor) -> Tensor:
        """The same for a video that is cut into ``squares`` of ``side`` already, as the video GAN draws its own."""
        raise NotImplementedError

    def decode(self, latents: Tensor) -> Tensor:
        """Latents ``float[N, T, *latent_shape]`` to a video ``float[N, T, 3, H, W]``, about in [-1, 1]."""
        raise NotImplementedError


class IdentityCodec(Codec):
    """Pixels are their own code: the tutorial's way."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.latent_shape = (3, *size)

    def encode_squares(self, cut: Tensor) -> Tensor:
        """The video itself."""
        return cut.squeeze(-1)

    def decode(self, latents: Tensor) -> Tensor:
        """The latents themselves."""
        return latents


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a skip around them."""

    def __init__(self, width: int, activation: Callable[[Tensor], Tensor] = F.silu) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """``float[N, width, h, w]`` to the same shape."""
        return x + self.conv2(self.activation(self.conv1(self.activation(x))))


def squares(video: Tensor, side: int) -> Tensor:
    """Cut ``float[N, T, C, H, W]`` into squares of ``side`` x ``side``: ``float[N, T, C, H / side, W / side, side *
    side]``."""
    return video.unflatten(4, (-1, side)).unflatten(3, (-1, side)).transpose(4, 5).flatten(5)


class Patches(nn.Module):
    """Squares as channels, in the precision and the layout of the convolution that follows."""

    def forward(self, x: Tensor) -> Tensor:
        """``float[N, T, C, h, w, S]`` to ``float[N * T, C * S, h, w]``, moved once."""
        kind = x.device.type
        if torch.is_autocast_enabled(kind):
            x = x.to(torch.get_autocast_dtype(kind))
        return x.permute(0, 1, 3, 4, 2, 5).flatten(4).flatten(0, 1).permute(0, 3, 1, 2)


class ConvCodec(Codec):
    """A per-frame autoencoder to a grid of an eighth of the frame's height and width, with a few channels.

    The code is normalised to mean 0 and variance 1 per channel, and noise is added to it while training: with its
    scale fixed, the code cannot outgrow the noise, so it becomes smooth and the decoder forgives a generator that is
    slightly off (like a variational autoencoder with fixed variance; there is no KL term).
    """

    def __init__(self, size: tuple[int, int], channels: int, width: int, noise: float) -> None:
        super().__init__()
        self.latent_shape = (channels, size[0] // 8, size[1] // 8)
        self.noise = noise
        self.side = 4
        narrow = max(width // 2, 1)  # at the finest grid, where most of the time would go
        self.encoder = nn.Sequential(
            Patches(),
            nn.Conv2d(48, narrow, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(narrow, width, 4, stride=2, padding=1),
            ResidualBlock(width),
            nn.SiLU(),
            nn.Conv2d(width, channels, 3, padding=1),
            nn.BatchNorm2d(channels, affine=False),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            ResidualBlock(width),
            nn.Conv2d(width, 4 * width, 1),
            nn.PixelShuffle(2),
            ResidualBlock(width),
            nn.SiLU(),
            nn.Conv2d(width, 48, 3, padding=1),
            nn.PixelShuffle(4),
        )

    def encode_squares(self, cut: Tensor) -> Tensor:
        """A video in squares to latents of about mean 0 and variance 1 per channel; shapes as in ``Codec``."""
        latents: Tensor = self.encoder(cut)
        return latents.unflatten(0, cut.shape[:2])

    def decode(self, latents: Tensor) -> Tensor:
        """Latents to video; shapes as in ``Codec``."""
        frames: Tensor = self.decoder(latents.flatten(0, 1))
        return frames.unflatten(0, latents.shape[:2])

    def forward(self, video: Tensor, noise: Tensor) -> Tensor:
        """The round trip that training uses, with standard normal ``noise`` of the latents' shape on the way; shapes as
        in ``encode`` and ``decode``."""
        return self.decode(self.encode(video) + self.noise * noise)


def build_codec(params: CodecParams, size: tuple[int, int]) -> Codec:
    """The codec for frames of ``size`` (height, width) in pixels; ``latent_shape`` is the shape of its code."""
    if params.kind == "identity":
        return IdentityCodec(size)
    return ConvCodec(size, params.channels, params.width, params.noise)
