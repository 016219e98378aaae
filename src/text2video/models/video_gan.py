"""The text-to-video GAN: one sample is a whole clip, and generator and discriminator both read the prompt.

Generator: noise and text make one picture for the clip, in the codec's latents, and an affine view of that picture for
each frame (content and motion apart, after MoCoGAN: Tulyakov et al., CVPR 2018). The parameters of the views are linear
combinations of functions of time. The text alone gives the directions, each word adding its own, so that two words make
a direction that no training clip showed; and gates, read from single words, allow rotation, stretch, straight travel
and swings.

Discriminator: three critics look at the stacked frames, at single frames (MoCoGAN; TGANs-C: Pan et al., 2017), and at
the paths of a few learned points. Each compares what it sees with the text by projection (Miyato and Koyama, ICLR
2018).

Losses: relativistic pairs of real and generated clips of the same prompt, the same for real clips under their own and
another prompt, and gradient penalties.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text2video.models.base import GAN, PLAIN, Batch, SampleOptions, Spec, Update, cosine
from text2video.models.codec import Codec, ResidualBlock
from text2video.models.views import (
    ROTATION,
    STRETCH,
    TRANSLATION,
    Views,
    background,
    centre_of_mass,
    grid_points,
    time_functions,
    warp,
)
from text2video.params import VideoGanParams
from text2video.text.encoder import Encoded
from text2video.text.prompts import Prompts

BLOCKS = 2  # of the network that draws the picture
SLOPE = 0.2  # of leaky ReLUs, on the negative side
FOURIER_FEATURES = 64  # random Fourier features that the picture starts from
MAX_FREQUENCY = 1.5  # of them, in waves per unit; the picture is two units wide
COEFFICIENT_SCALE = 0.07  # of the views' coefficients: parameters that act so directly need small steps
TEMPO_SCALE = 0.3  # of the tempo, for the same reason
INITIAL_SCALES = (0.05, 0.15, 0.15, 0.15, 0.75, 0.75)  # factors on initial weights, by parameter of the views
TEXT_SCALE = 0.3  # of text vectors: at full scale they drown the noise, and each prompt has one video
RELATIVE_SCALE = 4.0  # of a swing's shares along and across the way, which have to change fast
GATE_SCALE = 2.0  # of the gates' layer, which has to change fast
GATE_FLOOR = -0.3  # lower bound of a word's gate in the penalty
GATE_TEMPERATURE = 0.1  # of the softmax over words in a gate's gradient
FADE = (0.15, 0.45)  # shares of the training between which waves of rotation and stretch fade out
SECOND_PHASE = 0.6  # share of the training after which gates are trained and swings keep to their basis
SAMPLES = 2  # across a pixel of a video that is shown
FEATURES = 256  # of each critic
POINTS = 16  # that the path critic follows
SHARPNESS = 3.0  # factor on the first weights of the path critic's maps
STEP_SCALE = 4.0  # of differences between frames, which are small beside positions
FRAMES_SEEN = 3  # by the frame critic, the same ones of all clips of a batch
RERANK_REALISM = 0.5  # weight of the frame critic's unconditional part in the rerank score
RERANK_PATHS = 0.5  # weight of the path critic in the rerank score


def initialise(network: nn.Module) -> None:
    """He initialisation (ICCV 2015); zero for biases, residual branches (Fixup, ICLR 2019) and projections.

    PyTorch's own shrinks the signal at each layer: the generator would start as one constant video.
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
            nn.init.zeros_(block.unconditional.weight)
            nn.init.zeros_(block.query.weight)


# --- generator -------------------------------------------------------------------------------------------------------


def modulate(x: Tensor, style: Tensor) -> Tensor:
    """Scale and shift float[N, width, h, w] by float[N, 2 * width] (FiLM: Perez et al., 2018)."""
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
        """float[N, width, h, w] and a code float[N, code_dim] to the shape of ``x``."""
        h = modulate(self.conv1(F.leaky_relu(x, SLOPE)), self.modulation(code))
        return x + self.conv2(F.leaky_relu(h, SLOPE))


class Gates(nn.Module):
    """Four gates, for rotation, stretch, travel and swing, read from the words.

    A gate is the maximum over the words of ``per_word``, at least 0: one word is enough to open it, whatever stands
    beside it. Gates start open, at 1. The gradient is that of an open gate (straight-through: Bengio et al., 2013):
    that of L times the mean of the L words, weighted by a softmax of what they say.
    """

    def __init__(self, text_dim: int) -> None:
        super().__init__()
        self.layer = nn.Linear(text_dim, 4)

    def forward(self, text: Encoded) -> Tensor:
        """The gates of each prompt, float[N, 4], 0 or more."""
        values, spoken = self.per_word(text), text.mask[..., None]
        weights = (values.detach() / GATE_TEMPERATURE).masked_fill(~spoken, -1e4).softmax(1)
        soft = (weights * values).sum(1) * spoken.sum(1)
        return soft + (values.amax(1).relu() - soft).detach()

    def per_word(self, text: Encoded) -> Tensor:
        """How far each word opens each gate, float[N, L, 4]; 0 for padding."""
        values = 1 + GATE_SCALE * self.layer(TEXT_SCALE * text.tokens.float())
        return values.masked_fill(~text.mask[..., None], 0.0)

    def penalty(self, text: Encoded) -> Tensor:
        """The sum of what all words open, float[N]; below GATE_FLOOR it has no gradient."""
        return self.per_word(text).clamp(min=GATE_FLOOR).sum((1, 2))


class TrajectoryHead(nn.Module):
    """Unit vectors, linear in the pooled text: the direction of travel, and axis and waveform of swings.

    Where the pooled text is a sum over words, two words make a direction that no training clip showed. Distance, and
    size and side of swings, are of the coefficients. In the first phase of training swings are free along their axis,
    and only ``off_basis_penalty`` trains the waveform; in the second (``second_phase``) they are projected on it. In
    evaluation mode the waveform is its largest component alone.
    """

    def __init__(self, text_dim: int, waves: int) -> None:
        super().__init__()
        self.direction, self.axis = nn.Linear(text_dim, 2), nn.Linear(text_dim, 2)
        self.waveform = nn.Linear(text_dim, waves)
        self.relative = nn.Linear(text_dim, 2)
        self.second_phase: Tensor
        self.register_buffer("second_phase", torch.tensor(True, device="cpu"))

    def forward(self, translation: Tensor, text: Tensor) -> Tensor:
        """Coefficients of ramp and W waves, float[N, 2, 1 + W], as the text float[N, text_dim] allows: the ramp in its
        direction, the waves projected on its axis and waveform."""
        direction = unit(self.direction, text)[:, :, None]
        axis = self.swing_axis(text)[:, :, None]
        travel = direction * translation[..., :1].norm(dim=1, keepdim=True)
        along = axis.mT @ translation[..., 1:]
        swings = axis * torch.where(self.second_phase, self.on_basis(along, text), along)
        return torch.cat((travel, swings), dim=2)

    def swing_axis(self, text: Tensor) -> Tensor:
        """The unit vector along which the text swings, float[N, 2]: its own, and shares along and across the way."""
        direction = unit(self.direction, text)
        across = torch.stack((-direction[:, 1], direction[:, 0]), dim=1)
        share = RELATIVE_SCALE * self.relative(TEXT_SCALE * text)
        return F.normalize(self.axis(TEXT_SCALE * text) + share[:, :1] * direction + share[:, 1:] * across)

    def on_basis(self, along: Tensor, text: Tensor) -> Tensor:
        """The projection of swings along the axis, float[N, 1, W], on the waveform of the text."""
        waveform = unit(self.waveform, text)[:, None]
        if not self.training:
            waveform = F.one_hot(waveform.abs().argmax(2), waveform.shape[2]).to(waveform)
        return (along * waveform).sum(2, keepdim=True) * waveform

    def off_basis_penalty(self, translation: Tensor, text: Tensor) -> Tensor:
        """The share of the swings' energy that is off the waveform, float[N] in [0, 1]; trains the waveform alone."""
        along = (self.swing_axis(text)[:, None] @ translation[..., 1:]).detach()
        beside = (along - self.on_basis(along, text.detach())).square().sum((1, 2))
        return beside / along.square().sum((1, 2)).clamp(min=1e-6)


def unit(layer: nn.Linear, text: Tensor) -> Tensor:
    """The layer's output for the text float[N, D] as vectors of length 1."""
    return F.normalize(layer(TEXT_SCALE * text))


def apply_gates(coefficients: Tensor, gates: Tensor, fade: Tensor, translation: Tensor) -> Tensor:
    """Coefficients float[N, 6, K] times their gates float[N, 4], with ``translation`` float[N, 2, K - 1] in place of
    those of the translation, which has no constant: where a clip starts is its anchor. Of the waves of rotation and
    stretch the share ``fade`` is left."""
    rotate, stretch, travel, swing = gates[..., None, None].unbind(1)
    form = torch.cat((rotate * coefficients[:, ROTATION], stretch * coefficients[:, STRETCH]), dim=1)
    ramps = torch.cat((form[..., 1:2], travel * translation[..., :1]), dim=1)
    waves = torch.cat((fade * form[..., 2:], swing * translation[..., 1:]), dim=1)
    constant = F.pad(coefficients[:, :4, :1], (0, 0, 0, 2))
    return torch.cat((constant, ramps, waves), dim=2)


class Generator(nn.Module):
    """Noise and text to one picture in a codec's latents, and the views of it."""

    def __init__(self, params: VideoGanParams, spec: Spec) -> None:
        super().__init__()
        (channels, height, grid_width), text_dim = spec.latent_shape, spec.text_dim
        noise_dim, width, code_dim, harmonics = params.noise_dim, params.width, params.code_dim, params.harmonics
        self.noise_dim, self.frames = noise_dim, spec.frames
        self.harmonics, self.functions = harmonics, 2 + 2 * harmonics
        entry = nn.Linear(noise_dim + text_dim, code_dim)
        self.mapping = nn.Sequential(
            entry, nn.LeakyReLU(SLOPE),
            nn.Linear(code_dim, code_dim), nn.LeakyReLU(SLOPE),
            nn.Linear(code_dim, 3 * code_dim), nn.LeakyReLU(SLOPE),
        )  # fmt: skip
        self.fourier: Tensor
        self.register_buffer("fourier", fourier_features(height, grid_width))
        self.input_conv = nn.Conv2d(FOURIER_FEATURES + 2, width, 1)
        self.input_modulation = nn.Linear(code_dim, 2 * width)
        self.blocks = nn.ModuleList(ModulatedBlock(width, code_dim) for _ in range(BLOCKS))
        self.out = nn.Conv2d(width, channels, 3, padding=1)
        self.tempo = nn.Linear(code_dim, 1)
        self.motion_coefficients = nn.Linear(code_dim, 6 * self.functions)
        self.text_coefficients = nn.Linear(text_dim, 6 * self.functions, bias=False)
        self.text_gain = nn.Linear(noise_dim, 6)
        self.trajectory = TrajectoryHead(text_dim, 2 * harmonics)
        self.gates = Gates(text_dim)
        self.fade: Tensor
        self.register_buffer("fade", torch.tensor(0.0, device="cpu"))
        initialise(self)
        # At first, pictures move a little and swing less. If all clips trembled, the discriminator would win too early.
        quieter = [1.0, 1.0, *(1 / (3 * k) for k in range(1, harmonics + 1) for _ in range(2))]
        first = torch.tensor([scale * share for scale in INITIAL_SCALES for share in quieter], device="cpu")
        with torch.no_grad():
            entry.weight.mul_(math.sqrt((noise_dim + text_dim) / (2 * text_dim)))
            self.motion_coefficients.weight.mul_(first[:, None])
            self.input_modulation.weight.mul_(0.35)
            for layer in (self.text_coefficients, self.gates.layer, self.trajectory.relative):
                layer.weight.zero_()

    def forward(self, noise: Tensor, text: Encoded, codec: Codec) -> tuple[Tensor, Views]:
        """Noise float[N, noise_dim] and text to each clip's picture, float[N, 3, H, W], and the views of it."""
        content, look, motion = self.clip_codes(noise, text.pooled)
        pictures = codec.decode(self.picture(content, look))[:, 0]
        return pictures, self.view(motion, noise, text, centre_of_mass(pictures))

    def clip_codes(self, noise: Tensor, text: Tensor) -> tuple[Tensor, ...]:
        """The codes of content, look and motion, float[N, code_dim] each. Noise is scaled to the norm of a word."""
        noise = noise * math.sqrt(text.shape[1] / self.noise_dim)
        return self.mapping(torch.cat((noise, TEXT_SCALE * text), dim=1)).chunk(3, dim=1)

    def picture(self, content: Tensor, look: Tensor) -> Tensor:
        """The clip's picture from two of its codes, as latents float[N, 1, C, h, w]."""
        x = modulate(self.input_conv(self.fourier), self.input_modulation(content))
        for block in self.blocks:
            x = block(x, look)
        return self.out(F.leaky_relu(x, SLOPE))[:, None]

    def text_part(self, noise: Tensor, text: Tensor) -> Tensor:
        """The part of the coefficients that is linear in the text, float[N, 6, K], with a gain that the noise sets."""
        coefficients = self.text_coefficients(TEXT_SCALE * text).unflatten(1, (6, -1))
        return (1 + 0.5 * torch.tanh(self.text_gain(noise)))[..., None] * coefficients

    def coefficients(self, motion: Tensor, noise: Tensor, text: Tensor) -> Tensor:
        """The coefficients of the K time functions before gates and trajectory, float[N, 6, K]."""
        own = self.motion_coefficients(motion).unflatten(1, (6, -1))
        return COEFFICIENT_SCALE * (own + self.text_part(noise, text))

    def view(self, motion: Tensor, noise: Tensor, text: Encoded, centre: Tensor) -> Views:
        """The views of pictures with that ``centre``. In float32: half precision would shake the frames."""
        with torch.autocast(noise.device.type, enabled=False):
            motion, pooled = motion.float(), text.pooled.float()
            coefficients = self.coefficients(motion, noise, pooled)
            basis = time_functions(TEMPO_SCALE * self.tempo(motion).squeeze(1), self.frames, self.harmonics)
            translation = self.trajectory(coefficients[:, TRANSLATION, 1:], pooled)
            gated = apply_gates(coefficients, self.gates(text), self.fade, translation)
            return Views(gated @ basis, centre, coefficients[:, TRANSLATION, 0])

    def off_basis_penalty(self, noise: Tensor, text: Encoded) -> Tensor:
        """``TrajectoryHead.off_basis_penalty`` of these clips, float[N]."""
        with torch.autocast(noise.device.type, enabled=False):
            pooled = text.pooled.float()
            with torch.no_grad():
                motion = self.clip_codes(noise, pooled)[2]
                translation = self.coefficients(motion, noise, pooled)[:, TRANSLATION, 1:]
            return self.trajectory.off_basis_penalty(translation, pooled)


def render(pictures: Tensor, views: Views) -> Tensor:
    """Pictures float[N, 3, H, W] through their views, on their background, as videos float32[N, T, 3, H, W] in
    [-1, 1], to be shown."""
    pictures = pictures.clamp(-1, 1)
    ground = background(pictures.float())
    foreground = warp(pictures - ground, views, SAMPLES, padding="zeros").squeeze(-1)
    return (ground[:, None] + foreground).clamp(-1, 1)


def encode_views(pictures: Tensor, views: Views, codec: Codec) -> Tensor:
    """The frames that views of pictures show, as latents float[N, T, C, h, w]: one sample a pixel and repeated edges,
    so that errors at a picture's edge reach the discriminator."""
    return codec.encode_squares(warp(pictures, views, side=codec.side))


def fourier_features(height: int, width: int) -> Tensor:
    """Sine waves of random frequency, direction and phase on a grid, and its coordinates, float32[1, FOURIER_FEATURES +
    2, h, w] (after StyleGAN3: Karras et al., NeurIPS 2021)."""
    points = grid_points(height, width)
    angle, frequency, phase = torch.rand(3, FOURIER_FEATURES, device="cpu") * 2 * math.pi
    waves = torch.sin(points @ torch.stack((angle.cos(), angle.sin())) * MAX_FREQUENCY * frequency + phase)
    return torch.cat((waves, points), dim=1).T.unflatten(1, (height, width))[None]


# --- discriminator ---------------------------------------------------------------------------------------------------


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
        """float[N, channels, h, w] to float[N, out_dim]."""
        return self.layers(x)


class PathCritic(nn.Module):
    """A few learned points in each frame, their velocities and accelerations, ending in one vector.

    A spatial softmax (Levine et al., JMLR 2016) makes each attention map a point. Convolutions over stacked frames do
    not see that an object trembles; differences of points do.
    """

    def __init__(self, latent_shape: tuple[int, int, int], frames: int, width: int, out_dim: int) -> None:
        super().__init__()
        channels, height, grid_width = latent_shape
        activation = nn.LeakyReLU(SLOPE)
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), ResidualBlock(width, activation), activation
        )
        self.maps = nn.Conv2d(width, POINTS, 3, padding=1)
        self.grid: Tensor
        self.register_buffer("grid", grid_points(height, grid_width), persistent=False)
        steps = max(frames - 1, 0) + max(frames - 2, 0)
        self.layers = nn.Sequential(
            nn.Linear(2 * POINTS * (frames + steps), out_dim), activation,
            nn.Linear(out_dim, out_dim), activation,
            nn.Linear(out_dim, out_dim), activation,
        )  # fmt: skip

    def points(self, latents: Tensor) -> Tensor:
        """Latents float[N, T, C, h, w] to points float32[N, T, 2 * POINTS], (x, y) from -1 to 1, in float32."""
        maps = self.maps(self.features(latents.flatten(0, 1))).flatten(2)
        with torch.autocast(latents.device.type, enabled=False):
            points = maps.float().softmax(-1) @ self.grid
        return points.flatten(1).unflatten(0, latents.shape[:2])

    def forward(self, latents: Tensor) -> Tensor:
        """float[N, T, C, h, w] to float[N, out_dim]."""
        points = self.points(latents)
        velocity = points[:, 1:] - points[:, :-1]
        acceleration = velocity[:, 1:] - velocity[:, :-1]
        paths = torch.cat((points, STEP_SCALE * velocity, STEP_SCALE * acceleration), dim=1)
        return self.layers(paths.flatten(1))


class Projection(nn.Module):
    """A logit of a feature: how real it is, plus how well it goes with a text."""

    def __init__(self, dim: int, text_dim: int) -> None:
        super().__init__()
        self.unconditional = nn.Linear(dim, 1)
        self.hidden, self.query = nn.Linear(text_dim, dim), nn.Linear(dim, dim)
        self.scale = dim**-0.5

    def forward(self, features: Tensor, text: Tensor, realism: float = 1.0) -> Tensor:
        """Features float[N, K, dim] and text float[N, text_dim] to logits float[N, K]; ``realism`` weighs the part that
        does not depend on the text."""
        query = self.query(F.silu(self.hidden(text)))
        match = (features * query[:, None]).sum(-1) * self.scale
        return realism * self.unconditional(features).squeeze(-1) + match


class Discriminator(nn.Module):
    """A clip critic, a path critic and a frame critic, each with its own projection of the text."""

    def __init__(self, spec: Spec, width: int) -> None:
        super().__init__()
        text_encoder = spec.text_encoder()  # its random numbers are drawn first
        channels, height, grid_width = spec.latent_shape
        self.clip = Critic(spec.frames * channels, height, grid_width, width, FEATURES)
        self.frame = Critic(channels, height, grid_width, width // 2, FEATURES)
        self.path = PathCritic(spec.latent_shape, spec.frames, width // 2, FEATURES)
        self.clip_projection = Projection(FEATURES, spec.text_dim)
        self.path_projection = Projection(FEATURES, spec.text_dim)
        self.frame_projection = Projection(FEATURES, spec.text_dim)
        initialise(self)  # but for the text encoder, which has its own
        self.text_encoder = text_encoder
        with torch.no_grad():
            self.path.maps.weight.mul_(SHARPNESS)

    def features(self, latents: Tensor, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The critics' features of latents float[N, T, C, h, w]: of the clip and of its paths float[N, 1, dim], of
        ``frames`` (indices int64[K]) float[N, K, dim]."""
        single = self.frame(latents[:, frames].flatten(0, 1)).unflatten(0, (len(latents), len(frames)))
        return self.clip(latents.flatten(1, 2))[:, None], self.path(latents)[:, None], single

    def logits(self, features: tuple[Tensor, Tensor, Tensor], prompts: Prompts) -> Tensor:
        """Logits float[N, 2 + K] that the features are real and go with N prompts."""
        text = self.text_encoder(prompts).pooled
        matches = (self.clip_projection, self.path_projection, self.frame_projection)
        return torch.cat([match(seen, text) for match, seen in zip(matches, features, strict=True)], dim=1)

    def forward(self, latents: Tensor, prompts: Prompts, frames: Tensor) -> Tensor:
        """Logits float[N, 2 + K]: of the clip, of its paths, then one for each of ``frames``."""
        return self.logits(self.features(latents, frames), prompts)

    def rerank_score(self, latents: Tensor, prompts: Prompts) -> Tensor:
        """What to choose a video of several by, float[N]: the mean logit of all frames and, at RERANK_PATHS, that of
        the paths. The frame critic's unconditional part counts by RERANK_REALISM only, to keep the choice varied."""
        text = self.text_encoder(prompts).pooled
        frames = self.frame(latents.flatten(0, 1)).unflatten(0, latents.shape[:2])
        paths = self.path(latents)[:, None]
        fit = self.frame_projection(frames, text, RERANK_REALISM).mean(1)
        return fit + RERANK_PATHS * self.path_projection(paths, text).mean(1)


# --- training and sampling -------------------------------------------------------------------------------------------


def relativistic_loss(winner: Tensor, loser: Tensor) -> Tensor:
    """Mean of softplus(loser - winner), summed over the critics: float[N, 2 + K] logits each, pair by pair.

    The relativistic pairing loss (Jolicoeur-Martineau, ICLR 2019) as used by R3GAN (Huang et al., NeurIPS 2024).
    """
    return sum_over_critics(F.softplus(loser - winner)).mean()


def sum_over_critics(logits: Tensor) -> Tensor:
    """Clip critic plus path critic plus the mean of the frame critic: float[N, 2 + K] to float[N]."""
    return logits[:, 0] + logits[:, 1] + logits[:, 2:].mean(1)


def gradient_penalty(critic: Callable[[Tensor], Tensor], latents: Tensor) -> Tensor:
    """Mean squared norm of the gradient of the logits by the latents: R1 on real ones, R2 on generated ones.

    Mescheder et al., ICML 2018. Each clip counts once, all of its dimensions summed.
    """
    latents = latents.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(sum_over_critics(critic(latents)).sum(), latents, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()


class VideoGAN(GAN):
    """The kind ``video_gan``."""

    max_grad_norm = 30.0  # twice the norm of a usual gradient, against outliers

    def __init__(self, params: VideoGanParams, spec: Spec) -> None:
        super().__init__()
        self.params = params
        self.generator = Generator(params, spec)
        self.text_encoder = spec.text_encoder()
        self.discriminator = Discriminator(spec, params.critic_width)

    def training_step(self, batch: Batch, codec: Codec, update: Update) -> dict[str, Tensor]:
        """One step of the discriminator and one of the generator, on the same generated clips."""
        second_phase = batch.progress >= SECOND_PHASE
        self.generator.gates.requires_grad_(second_phase)
        self.generator.trajectory.second_phase.fill_(second_phase)
        begin, end = FADE
        self.generator.fade.fill_(min(max((end - batch.progress) / (end - begin), 0.0), 1.0))
        noise = batch.randn(self.params.noise_dim)
        text = self.text_encoder(batch.prompts)
        pictures, views = self.generator(noise, text, codec)
        fake = encode_views(pictures, views, codec)
        loss_d = self.discriminator_loss(batch, fake.detach())
        update("discriminator", loss_d)
        self.discriminator.requires_grad_(False)
        loss_g = self.generator_loss(batch, fake)
        if second_phase:
            loss_g = loss_g + self.params.gate_penalty * self.generator.gates.penalty(text).mean()
        else:
            loss_g = loss_g + self.generator.off_basis_penalty(noise, text).mean()
        update("generator", loss_g)
        self.discriminator.requires_grad_(True)
        return {"loss_d": loss_d, "loss_g": loss_g}

    def discriminator_loss(self, batch: Batch, fake: Tensor) -> Tensor:
        """Real above generated clips of the same prompts, real clips above themselves under other prompts, and, every
        ``gamma_every`` steps and so many times as strong, gamma / 2 (R1 + R2)."""
        params, critic, prompts = self.params, self.discriminator, batch.prompts
        frames = random_frames(batch)
        features = critic.features(batch.latents, frames)
        real_logits = critic.logits(features, prompts)
        loss = relativistic_loss(real_logits, critic(fake, prompts, frames))
        if params.mismatch:
            mismatched = critic.logits(features, batch.mismatched)
            loss = loss + params.mismatch * relativistic_loss(real_logits, mismatched)
        gamma = cosine(params.gamma, params.gamma_final, batch.progress)
        if gamma and batch.step % params.gamma_every == 0:
            logits_of = partial(critic, prompts=prompts, frames=frames)
            penalty = gradient_penalty(logits_of, batch.latents) + gradient_penalty(logits_of, fake)
            loss = loss + params.gamma_every * gamma / 2 * penalty
        return loss

    def generator_loss(self, batch: Batch, fake: Tensor) -> Tensor:
        """Generated above real clips of the same prompts."""
        frames = random_frames(batch)
        with torch.no_grad():
            real_logits = self.discriminator(batch.latents, batch.prompts, frames)
        return relativistic_loss(self.discriminator(fake, batch.prompts, frames), real_logits)

    def noise_shape(self) -> tuple[int, ...]:
        """One vector for the whole clip."""
        return (self.params.noise_dim,)

    def sample(self, noise: Tensor, prompts: Prompts, codec: Codec, options: SampleOptions = PLAIN) -> Tensor:
        """Noise float[N, noise_dim] and N prompts to videos float32[N, T, 3, H, W] in [-1, 1]."""
        return render(*self.generator(noise, self.text_encoder(prompts), codec))

    def rerank(self, noise: Tensor, prompts: Prompts, codec: Codec) -> Tensor:
        """``Discriminator.rerank_score`` of the videos that the noise makes, float[N]."""
        pictures, views = self.generator(noise, self.text_encoder(prompts), codec)
        latents = encode_views(pictures, views, codec)
        return self.discriminator.rerank_score(latents, prompts)


def random_frames(batch: Batch) -> Tensor:
    """The numbers of FRAMES_SEEN frames, int64[K], the same for all clips of the batch."""
    return torch.randperm(batch.latents.shape[1], generator=batch.rng)[:FRAMES_SEEN]
