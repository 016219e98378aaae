"""The text-to-video GAN: one sample is a whole video, and both networks read the prompt.

The generator splits *what* from *when*, after MoCoGAN (Tulyakov et al., CVPR 2018): noise and text make one clip code;
smooth functions of time turn it into one code per frame; one network, shared over the frames, draws each frame from its
code. The text is part of the clip code, so it drives the motion too.

The discriminator has two critics, as MoCoGAN and TGANs-C (Pan et al., 2017) have: one sees the frames stacked and
judges motion, one sees single frames and judges form. Both compare what they see with the text by projection (Miyato
and Koyama, ICLR 2018).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text2video.models.codec import ResidualBlock
from text2video.text.encoder import TextEncoder

BLOCKS = 2  # of the network that draws the frames, which takes most of the time of training
SLOPE = 0.2  # of leaky ReLUs, on the negative side
TEXT_SCALE = (
    0.3  # words are many and loud: at full voice, a generator hears no noise, and draws one video per prompt
)


def time_features(frames: int, harmonics: int) -> Tensor:
    """Smooth functions of time, ``float32[frames, 2 + 2 * harmonics]``: constant, ramp, and half-period harmonics.

    With ``harmonics`` at half of the number of frames, the fastest swings once in four frames. Faster ones would let
    the generator flicker between odd and even frames. Always on the CPU: for arithmetic on the meta device, on
    which a network is laid out before it is loaded, torch would first load a compiler for two seconds.
    """
    time = torch.linspace(0, 1, frames, device="cpu") if frames > 1 else torch.zeros(1, device="cpu")
    waves = [wave(math.pi * k * time) for k in range(1, harmonics + 1) for wave in (torch.cos, torch.sin)]
    return torch.stack([torch.ones_like(time), 2 * time - 1, *waves], dim=1)


def initialise(network: nn.Module) -> None:
    """He's initialisation (He et al., ICCV 2015), with biases, residual branches (Fixup, Zhang et al., ICLR 2019) and
    the discriminator's opinion at zero.

    torch's own would shrink the signal at each layer: seven layers on, noise and text would drown in the biases, and
    the generator would start as one constant video.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    for block in network.modules():
        if isinstance(block, ResidualBlock | ModulatedBlock):
            nn.init.zeros_(block.conv2.weight)
        elif isinstance(block, Projection):
            nn.init.zeros_(block.real.weight)
            nn.init.zeros_(block.query.weight)


class ModulatedBlock(nn.Module):
    """A residual block whose activations are scaled and shifted by a code (FiLM, Perez et al., AAAI 2018)."""

    def __init__(self, width: int, code_dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.modulation = nn.Linear(code_dim, 2 * width)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """``x`` of ``float[N, width, h, w]`` and ``code`` of ``float[N, code_dim]`` to the shape of ``x``."""
        scale, shift = self.modulation(code)[..., None, None].chunk(2, dim=1)
        h = self.conv1(F.leaky_relu(x, SLOPE)) * (1 + scale) + shift
        return x + self.conv2(F.leaky_relu(h, SLOPE))


class VideoGenerator(nn.Module):
    """Noise and text to the latents of a whole video."""

    def __init__(
        self, latent_shape: tuple[int, int, int], frames: int, text_dim: int, noise_dim: int, width: int,
        code_dim: int, harmonics: int,
    ) -> None:  # fmt: skip
        super().__init__()
        channels, height, grid_width = latent_shape
        self.noise_dim = noise_dim
        self.grid = (width, height, grid_width)
        self.time: Tensor
        self.register_buffer("time", time_features(frames, harmonics), persistent=False)
        self.clip_code = nn.Sequential(
            nn.Linear(noise_dim + text_dim, code_dim), nn.LeakyReLU(SLOPE),
            nn.Linear(code_dim, code_dim), nn.LeakyReLU(SLOPE),
            nn.Linear(code_dim, 3 * code_dim),
        )  # fmt: skip
        self.rhythm = nn.Linear(self.time.shape[1], code_dim, bias=False)
        self.frame_code = nn.Sequential(
            nn.LeakyReLU(SLOPE), nn.Linear(code_dim, code_dim), nn.LeakyReLU(SLOPE)
        )
        self.seed = nn.Linear(code_dim, width * height * grid_width)
        self.blocks = nn.ModuleList(ModulatedBlock(width, code_dim) for _ in range(BLOCKS))
        self.out = nn.Conv2d(width, channels, 3, padding=1)
        initialise(self)

    def noise_shape(self, frames: int) -> tuple[int, ...]:
        """The shape of one clip's noise: one vector, whatever the number of frames."""
        return (self.noise_dim,)

    def clip_codes(self, noise: Tensor, text: Tensor) -> tuple[Tensor, ...]:
        """What goes for the whole clip, ``float[N, code_dim]`` each: its content, its look, and its motion."""
        return self.clip_code(torch.cat((noise, TEXT_SCALE * text), dim=1)).chunk(3, dim=1)

    def forward(self, noise: Tensor, text: Tensor) -> Tensor:
        """Noise ``float[N, noise_dim]`` and text ``float[N, text_dim]`` to latents ``float[N, T, C, h, w]``."""
        content, look, motion = self.clip_codes(noise, text)
        codes = self.frame_code(content[:, None] + motion[:, None] * self.rhythm(self.time))
        frames = codes.shape[1]
        x = self.seed(codes.flatten(0, 1)).unflatten(1, self.grid)
        look = F.leaky_relu(look, SLOPE).repeat_interleave(frames, dim=0)
        for block in self.blocks:
            x = block(x, look)
        return self.out(F.leaky_relu(x, SLOPE)).unflatten(0, (-1, frames))


class Critic(nn.Module):
    """A small residual network over a latent grid, ending in one vector."""

    def __init__(self, channels: int, height: int, grid_width: int, width: int, out_dim: int) -> None:
        super().__init__()
        activation = nn.LeakyReLU(SLOPE)
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            ResidualBlock(width, activation),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            ResidualBlock(2 * width, activation),
            activation,
            nn.Flatten(),
            nn.Linear(2 * width * (height // 2) * (grid_width // 2), out_dim),
            activation,
        )

    def forward(self, x: Tensor) -> Tensor:
        """``float[N, channels, h, w]`` to ``float[N, out_dim]``."""
        return self.layers(x)


class Projection(nn.Module):
    """How real a feature is, plus how well it goes with a text."""

    def __init__(self, dim: int, text_dim: int) -> None:
        super().__init__()
        self.real = nn.Linear(dim, 1)
        self.hidden, self.query = nn.Linear(text_dim, dim), nn.Linear(dim, dim)
        self.scale = dim**-0.5

    def forward(self, features: Tensor, text: Tensor) -> Tensor:
        """Features ``float[N, K, dim]`` and text ``float[N, text_dim]`` to logits ``float[N, K]``."""
        query = self.query(F.silu(self.hidden(text)))
        match = (features * query[:, None]).sum(-1) * self.scale
        return self.real(features).squeeze(-1) + match


class VideoDiscriminator(nn.Module):
    """A clip critic and a frame critic, each with its own projection of the text."""

    def __init__(
        self,
        latent_shape: tuple[int, int, int],
        frames: int,
        words: int,
        text_dim: int,
        width: int,
        dim: int = 256,
    ) -> None:
        super().__init__()
        channels, height, grid_width = latent_shape
        self.text_encoder = TextEncoder(words, text_dim, "sum")
        self.clip = Critic(frames * channels, height, grid_width, width, dim)
        self.frame = Critic(channels, height, grid_width, width // 2, dim)
        self.clip_match = Projection(dim, text_dim)
        self.frame_match = Projection(dim, text_dim)
        initialise(self)

    def features(self, latents: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """What the critics see of ``float[N, T, C, h, w]``: the clip as ``[N, 1, dim]``, the chosen ``frames`` (numbers
        ``int64[K]``) as ``[N, K, dim]``."""
        clip = self.clip(latents.flatten(1, 2))[:, None]
        single = self.frame(latents[:, frames].flatten(0, 1)).unflatten(0, (len(latents), len(frames)))
        return clip, single

    def score(self, features: tuple[Tensor, Tensor], tokens: Tensor) -> Tensor:
        """Logits ``float[N, 1 + K]`` that the features are real and go with the prompts ``int64[N, L]``."""
        text = self.text_encoder(tokens)
        return torch.cat((self.clip_match(features[0], text), self.frame_match(features[1], text)), dim=1)

    def forward(self, latents: Tensor, tokens: Tensor, frames: Tensor) -> Tensor:
        """Logits ``float[N, 1 + K]``: the clip's, then one for each of ``frames``."""
        return self.score(self.features(latents, frames), tokens)
