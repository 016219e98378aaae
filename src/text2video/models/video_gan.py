"""The text-to-video GAN: one sample is a whole video, and both networks read the prompt.

The generator splits *what* from *when*, after MoCoGAN (Tulyakov et al., CVPR 2018): noise and text make one clip code;
smooth functions of time turn it into one code per frame; one network, shared over the frames, draws each of them. What
a frame's code decides above all is where that network looks: the plane on which it draws is moved, turned and stretched
from frame to frame, as the input of StyleGAN3 is (Karras et al., NeurIPS 2021), so that what moves need not be drawn
anew at each place. The text is part of the clip code, so it drives the motion too; and each word adds a motion of its
own to the view, whatever stands beside it, so that two words make a motion that no training clip showed.

The discriminator has three critics. One sees the frames stacked and one sees single frames, as in MoCoGAN and TGANs-C
(Pan et al., 2017); the third looks for points in each frame and judges their paths alone. Each compares what it sees
with the text by projection (Miyato and Koyama, ICLR 2018).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text2video.models.codec import ResidualBlock
from text2video.text.encoder import TextEncoder

BLOCKS = 2  # of the network that draws the frames, which takes most of the time of training
SLOPE = 0.2  # of leaky ReLUs, on the negative side
WAVES = 64  # that the plane consists of
MAX_WAVES_PER_UNIT = 1.5  # the frame is two units wide
VIEW_SCALE = (0.015, 0.015, 0.075)  # of the views' changes as training starts: little stretching, more moving
POINTS = 16  # that the path critic follows
SHARPNESS = 3.0  # of its maps as they start: a point lies where something is, not in the middle of the frame
PATH_WEIGHT = 0.25  # of the path critic against the frame critic, where a video is chosen among several
STEP_SCALE = 4.0  # steps from frame to frame are small beside positions
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


def modulated(x: Tensor, style: Tensor) -> Tensor:
    """``x`` of ``float[N, width, h, w]``, scaled and shifted by ``float[N, 2 * width]``: FiLM (Perez et al., 2018)."""
    scale, shift = style[..., None, None].chunk(2, dim=1)
    return x * (1 + scale) + shift


class ModulatedBlock(nn.Module):
    """A residual block whose activations are modulated by a code."""

    def __init__(self, width: int, code_dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.modulation = nn.Linear(code_dim, 2 * width)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """``x`` of ``float[N, width, h, w]`` and ``code`` of ``float[N, code_dim]`` to the shape of ``x``."""
        h = modulated(self.conv1(F.leaky_relu(x, SLOPE)), self.modulation(code))
        return x + self.conv2(F.leaky_relu(h, SLOPE))


class Plane(nn.Module):
    """Fixed waves over a plane, of which each frame sees a part: through an affine map that depends on its code."""

    channels = WAVES + 2

    def __init__(self, height: int, width: int, code_dim: int) -> None:
        super().__init__()
        self.grid = (height, width)
        self.places: Tensor
        self.register_buffer("places", places(height, width), persistent=False)
        # On the CPU for the same reason as time_features.
        angle, length, phase = torch.rand(3, WAVES, device="cpu") * 2 * math.pi
        self.waves: Tensor
        self.register_buffer("waves", torch.stack((angle.cos(), angle.sin())) * MAX_WAVES_PER_UNIT * length)
        self.phases: Tensor
        self.register_buffer("phases", phase)
        self.view = nn.Linear(code_dim, 6)

    def forward(self, codes: Tensor, drift: Tensor) -> Tensor:
        """Codes ``float[N, code_dim]`` to ``float32[N, channels, h, w]``: waves, and where on the plane each cell lies.

        ``drift``, ``float[N, 6]``, is added to the view. In full precision: half of it would shake what is drawn.
        """
        with torch.autocast(codes.device.type, enabled=False):
            view = (self.view(codes.float()) + drift.float()).unflatten(1, (2, 3))
            seen = self.places + self.places @ view[..., :2].mT + view[:, None, :, 2]
            waves = torch.sin(seen @ self.waves + self.phases)
        return torch.cat((waves, seen.clamp(-3, 3)), dim=2).mT.unflatten(2, self.grid)


class VideoGenerator(nn.Module):
    """Noise and text to the latents of a whole video."""

    def __init__(
        self, latent_shape: tuple[int, int, int], frames: int, text_dim: int, noise_dim: int, width: int,
        code_dim: int, harmonics: int,
    ) -> None:  # fmt: skip
        super().__init__()
        channels, height, grid_width = latent_shape
        self.noise_dim = noise_dim
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
        self.plane = Plane(height, grid_width, code_dim)
        self.word_motions = nn.Linear(text_dim, 6 * self.time.shape[1], bias=False)
        self.speed = nn.Linear(noise_dim, 6)
        self.content = nn.Conv2d(Plane.channels, width, 1)
        self.content_style = nn.Linear(code_dim, 2 * width)
        self.change = nn.Conv2d(width, width, 1)
        self.change_style = nn.Linear(code_dim, 2 * width)
        self.blocks = nn.ModuleList(ModulatedBlock(width, code_dim) for _ in range(BLOCKS))
        self.out = nn.Conv2d(width, channels, 3, padding=1)
        initialise(self)
        with torch.no_grad():  # a clip starts as one picture that hardly moves, and learns what should change
            self.plane.view.weight.mul_(torch.tensor(2 * VIEW_SCALE)[:, None])
            self.content_style.weight.mul_(0.35)
            self.change_style.weight.zero_()
            self.word_motions.weight.zero_()

    def noise_shape(self, frames: int) -> tuple[int, ...]:
        """The shape of one clip's noise: one vector, whatever the number of frames."""
        return (self.noise_dim,)

    def clip_codes(self, noise: Tensor, text: Tensor) -> tuple[Tensor, ...]:
        """What goes for the whole clip, ``float[N, code_dim]`` each: its content, its look, and its motion."""
        return self.clip_code(torch.cat((noise, TEXT_SCALE * text), dim=1)).chunk(3, dim=1)

    def drift(self, noise: Tensor, text: Tensor) -> Tensor:
        """The sum of the words' own motions, as changes of the view ``float[N, T, 6]``; the noise says how strong."""
        motions = self.word_motions(TEXT_SCALE * text).unflatten(1, (6, -1)) @ self.time.T
        return ((1 + 0.5 * torch.tanh(self.speed(noise)))[..., None] * motions).mT

    def forward(self, noise: Tensor, text: Tensor) -> Tensor:
        """Noise ``float[N, noise_dim]`` and text ``float[N, text_dim]`` to latents ``float[N, T, C, h, w]``."""
        content, look, motion = self.clip_codes(noise, text)
        codes = self.frame_code(content[:, None] + motion[:, None] * self.rhythm(self.time))
        frames, codes = codes.shape[1], codes.flatten(0, 1)
        content, look = (
            F.leaky_relu(code, SLOPE).repeat_interleave(frames, dim=0) for code in (content, look)
        )
        drift = self.drift(noise, text).flatten(0, 1)
        x = modulated(self.content(self.plane(codes, drift)), self.content_style(content))
        x = modulated(self.change(F.leaky_relu(x, SLOPE)), self.change_style(codes))
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


class PathCritic(nn.Module):
    """Where a few learned points are in each frame, how fast they go and how they turn, ending in one vector.

    A spatial softmax (Levine et al., JMLR 2016) makes each map a point. Convolutions over stacked frames would have to
    learn each path anew at each place of the grid, and do not see that an object trembles; this does.
    """

    def __init__(self, latent_shape: tuple[int, int, int], frames: int, width: int, out_dim: int) -> None:
        super().__init__()
        channels, height, grid_width = latent_shape
        activation = nn.LeakyReLU(SLOPE)
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), ResidualBlock(width, activation), activation
        )
        self.maps = nn.Conv2d(width, POINTS, 3, padding=1)
        self.places: Tensor
        self.register_buffer("places", places(height, grid_width), persistent=False)
        steps = max(frames - 1, 0) + max(frames - 2, 0)
        self.layers = nn.Sequential(
            nn.Linear(2 * POINTS * (frames + steps), out_dim), activation,
            nn.Linear(out_dim, out_dim), activation,
            nn.Linear(out_dim, out_dim), activation,
        )  # fmt: skip

    def points(self, latents: Tensor) -> Tensor:
        """Latents ``float[N, T, C, h, w]`` to points ``float32[N, T, 2 * POINTS]``, x and y from -1 to 1.

        In full precision: half of it would round them to half a pixel of the video.
        """
        maps = self.maps(self.features(latents.flatten(0, 1))).flatten(2)
        with torch.autocast(latents.device.type, enabled=False):
            points = maps.float().softmax(-1) @ self.places
        return points.flatten(1).unflatten(0, latents.shape[:2])

    def forward(self, latents: Tensor) -> Tensor:
        """``float[N, T, C, h, w]`` to ``float[N, out_dim]``."""
        points = self.points(latents)
        steps = points[:, 1:] - points[:, :-1]
        turns = steps[:, 1:] - steps[:, :-1]
        return self.layers(torch.cat((points, STEP_SCALE * steps, STEP_SCALE * turns), dim=1).flatten(1))


def places(height: int, width: int) -> Tensor:
    """Where the cells of a grid are, row by row, ``float32[height * width, 2]``: x and y, -1 to 1 from edge to edge.

    On the CPU for the same reason as ``time_features``.
    """
    x, y = ((2 * torch.arange(cells, device="cpu") + 1) / cells - 1 for cells in (width, height))
    return torch.cartesian_prod(y, x).flip(1)


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
    """A clip critic, a path critic and a frame critic, each with its own projection of the text."""

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
        self.path = PathCritic(latent_shape, frames, width // 2, dim)
        self.clip_match = Projection(dim, text_dim)
        self.path_match = Projection(dim, text_dim)
        self.frame_match = Projection(dim, text_dim)
        initialise(self)
        with torch.no_grad():
            self.path.maps.weight.mul_(SHARPNESS)

    def features(self, latents: Tensor, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the critics see of ``float[N, T, C, h, w]``: the clip and its paths as ``[N, 1, dim]``, the chosen
        ``frames`` (numbers ``int64[K]``) as ``[N, K, dim]``."""
        clip = self.clip(latents.flatten(1, 2))[:, None]
        path = self.path(latents)[:, None]
        single = self.frame(latents[:, frames].flatten(0, 1)).unflatten(0, (len(latents), len(frames)))
        return clip, path, single

    def score(self, features: tuple[Tensor, Tensor, Tensor], tokens: Tensor) -> Tensor:
        """Logits ``float[N, 2 + K]`` that the features are real and go with the prompts ``int64[N, L]``."""
        text = self.text_encoder(tokens)
        matches = (self.clip_match, self.path_match, self.frame_match)
        return torch.cat([match(seen, text) for match, seen in zip(matches, features, strict=True)], dim=1)

    def forward(self, latents: Tensor, tokens: Tensor, frames: Tensor) -> Tensor:
        """Logits ``float[N, 2 + K]``: the clip's, its paths', then one for each of ``frames``."""
        return self.score(self.features(latents, frames), tokens)

    def preference(self, latents: Tensor, tokens: Tensor) -> Tensor:
        """How much better one video of a prompt is than another, ``float[N]``: what the critics say of all its frames
        and, more quietly, of its paths. (The clip critic would rather mislead: see the lab notebook.)"""
        text = self.text_encoder(tokens)
        frames = self.frame(latents.flatten(0, 1)).unflatten(0, latents.shape[:2])
        paths = self.path(latents)[:, None]
        return self.frame_match(frames, text).mean(1) + PATH_WEIGHT * self.path_match(paths, text).mean(1)
