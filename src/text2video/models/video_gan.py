"""The text-to-video GAN: one sample is a whole video, and both networks read the prompt.

The generator splits *what* from *when*, after MoCoGAN (Tulyakov et al., CVPR 2018): noise and text make one picture for
the clip, in the codec's code, and say how each frame looks at it. Nothing is drawn twice, so nothing can look different
from frame to frame; what moves is the view. It knows of no object and no direction: it has to learn what to draw, and
where to look. In which direction, the words alone say, each adding its own whatever stands beside it, so that two make
one that no training clip showed; and five gates, read from the words alone, let the picture turn, be stretched, move
on, swing, and pulse. A gate that is open costs: what the words do not need stays still, or straight.

The discriminator has three critics. One sees the frames stacked and one sees single frames, as in MoCoGAN and TGANs-C
(Pan et al., 2017); the third looks for points in each frame and judges their paths alone. Each compares what it sees
with the text by projection (Miyato and Koyama, ICLR 2018).
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text2video.models.codec import Codec, ResidualBlock
from text2video.models.views import STRETCH, TURN, WAY, Views, middle, places, plain, seen, time_functions
from text2video.text.encoder import Text, TextEncoder

BLOCKS = 2  # of the network that draws the picture
SLOPE = 0.2  # of leaky ReLUs, on the negative side
WAVES = 64  # that the picture starts from
MAX_WAVES_PER_UNIT = 1.5  # the picture is two units wide
VIEW_SCALE = 0.07  # of what the networks say of the views: numbers that act so directly need small steps
FIRST_VIEWS = (0.05, 0.15, 0.15, 0.15, 0.75, 0.75)  # as training starts: things move more than they turn
TEMPO_SCALE = 0.3  # of what the network says of the tempo, for the same reason
SHUT = 0.3  # how far below 0 a gate is pushed
GATE_SCALE = 2.0  # gates have to fall fast: what shuts late finds nothing that is used to it
NEAR = 0.1  # openings of two words that are about equal
SAMPLES = 2  # across a pixel, where a video is shown: pictures are drawn larger than they are seen
POINTS = 16  # that the path critic follows
SHARPNESS = 3.0  # of its maps as they start: a point lies where something is, not in the middle of the frame
PATH_WEIGHT = 0.5  # of the path critic against the frame critic, where a video is chosen among several
TASTE = 0.5  # of what the frame critic says whatever the prompt: it likes some colours and places better than others
STEP_SCALE = 4.0  # steps from frame to frame are small beside positions
TEXT_SCALE = (
    0.3  # words are many and loud: at full voice, a generator hears no noise, and draws one video per prompt
)


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


class Gates(nn.Module):
    """How far the words let views turn, be stretched, move on, swing, and pulse.

    One number each, the same for all noise: whether a word bends a path is no matter of chance, and exactly 0 can be
    held. Each is as wide as the word opens it that opens it most, whatever stands beside that word. They start open, at
    1. Where one is shut it hears as if it were open (a straight-through estimator: Bengio et al., 2013), or no word
    could open it again. And words that open it about as far as that one hear it too, or the first to be ahead would be
    the only one for ever; the others do not, or a shape would open it for what it does in most motions, not in all.
    """

    def __init__(self, text_dim: int) -> None:
        super().__init__()
        self.layer = nn.Linear(text_dim, 5)

    def forward(self, words: Tensor) -> Tensor:
        """Words ``float[N, L, text_dim]``, zeros for padding, to ``float[N, 5]``, 0 or more."""
        openings, spoken = self.openings(words), words.any(-1, keepdim=True)
        hears = (openings.detach() / NEAR).masked_fill(~spoken, -1e4).softmax(1) * spoken.sum(1, keepdim=True)
        heard = (hears * openings).sum(1)
        return heard + (openings.amax(1).relu() - heard).detach()

    def openings(self, words: Tensor) -> Tensor:
        """How far each word opens each gate, ``float[N, L, 5]``."""
        openings = 1 + GATE_SCALE * self.layer(TEXT_SCALE * words)
        return openings.masked_fill(~words.any(-1, keepdim=True), 0.0)


class Course(nn.Module):
    """Where the words let a clip go: on in a direction, and to and fro along a line and in a shape. How far, and to
    which side first, is the clip's own.

    What the words of a text say of each adds up, whatever stands beside them: so two words make a direction that no
    training clip showed. Directions and lines hold from the first step on. Not so shapes: while the network is young,
    each clip swings as it likes, or none would find out how, and the shape only watches. Once training says so
    (``settled``), swings keep to it: noise that shaped each a little differently would tremble. And what is not for
    training (``eval``) keeps to the one wave that is most of the shape: so does what a colour has to say of it.
    """

    def __init__(self, text_dim: int, waves: int) -> None:
        super().__init__()
        self.direction, self.line = nn.Linear(text_dim, 2), nn.Linear(text_dim, 2)
        self.shape = nn.Linear(text_dim, waves)
        self.settled: Tensor
        self.register_buffer("settled", torch.tensor(True, device="cpu"))

    def forward(self, ways: Tensor, text: Tensor) -> Tensor:
        """The shares of the ramp and the waves in the ways across and down, ``float[N, 2, 1 + W]``, to those that the
        words allow."""
        direction, line = unit(self.direction, text)[:, :, None], unit(self.line, text)[:, :, None]
        onward = direction * ways[..., :1].norm(dim=1, keepdim=True)
        along = line.mT @ ways[..., 1:]
        swings = line * torch.where(self.settled, self.in_shape(along, text), along)
        return torch.cat((onward, swings), dim=2)

    def in_shape(self, along: Tensor, text: Tensor) -> Tensor:
        """What of swings along the line, ``float[N, 1, W]``, has the shape that goes with the text."""
        shape = unit(self.shape, text)[:, None]
        if not self.training:
            shape = F.one_hot(shape.abs().argmax(2), shape.shape[2]).to(shape)
        return (along * shape).sum(2, keepdim=True) * shape

    def astray(self, ways: Tensor, text: Tensor) -> Tensor:
        """Which part of the swings in given ways, ``float[N, 2, 1 + W]``, is beside the shape, ``float[N]`` from 0 to
        1."""
        along = (unit(self.line, text)[:, None] @ ways[..., 1:]).detach()
        beside = (along - self.in_shape(along, text.detach())).square().sum((1, 2))
        return beside / along.square().sum((1, 2)).clamp(min=1e-6)


def unit(layer: nn.Linear, text: Tensor) -> Tensor:
    """What a layer says of the text, ``float[N, D]``, as vectors of length 1."""
    return F.normalize(layer(TEXT_SCALE * text))


def gated(shares: Tensor, gates: Tensor, ways: Tensor) -> Tensor:
    """The shares of the time functions in the views, ``float[N, 6, K]``, with ``gates`` of ``float[N, 5]`` between, and
    with ``ways`` in place of those of the way.

    A form that swings is a pulse. The way has no constant: where it starts is the clip's spot.
    """
    turn, stretch, onward, swing, pulse = gates[..., None, None].unbind(1)
    turns, stretches = turn * shares[:, TURN, 1:], stretch * shares[:, STRETCH, 1:]
    form = torch.cat((turns, stretches), dim=1)
    form = torch.cat((form[..., :1], pulse * form[..., 1:]), dim=2)
    ways = torch.cat((onward * ways[..., :1], swing * ways[..., 1:]), dim=2)
    return torch.cat((F.pad(shares[:, :4, :1], (0, 0, 0, 2)), torch.cat((form, ways), dim=1)), dim=2)


class VideoGenerator(nn.Module):
    """Noise and text to a whole video: one picture in a codec's code, and views of it."""

    def __init__(
        self, latent_shape: tuple[int, int, int], frames: int, text_dim: int, noise_dim: int, width: int,
        code_dim: int, harmonics: int,
    ) -> None:  # fmt: skip
        super().__init__()
        channels, height, grid_width = latent_shape
        self.noise_dim = noise_dim
        self.frames, self.harmonics, self.functions = frames, harmonics, 2 + 2 * harmonics
        entry = nn.Linear(noise_dim + text_dim, code_dim)
        self.clip_code = nn.Sequential(
            entry, nn.LeakyReLU(SLOPE),
            nn.Linear(code_dim, code_dim), nn.LeakyReLU(SLOPE),
            nn.Linear(code_dim, 3 * code_dim), nn.LeakyReLU(SLOPE),
        )  # fmt: skip
        self.waves: Tensor
        self.register_buffer("waves", random_waves(height, grid_width))
        self.content = nn.Conv2d(WAVES + 2, width, 1)
        self.content_style = nn.Linear(code_dim, 2 * width)
        self.blocks = nn.ModuleList(ModulatedBlock(width, code_dim) for _ in range(BLOCKS))
        self.out = nn.Conv2d(width, channels, 3, padding=1)
        self.tempo = nn.Linear(code_dim, 1)
        self.views = nn.Linear(code_dim, 6 * self.functions)
        self.word_views = nn.Linear(text_dim, 6 * self.functions, bias=False)
        self.strength = nn.Linear(noise_dim, 6)
        self.course = Course(text_dim, 2 * harmonics)
        self.gates = Gates(text_dim)
        initialise(self)
        # A clip starts as one picture that moves a little, its waves as quiet as they are fast, and learns what should
        # change. If all clips trembled from the start, the discriminator would win before the picture is any.
        loudness = [1.0, 1.0, *(1 / (3 * k) for k in range(1, harmonics + 1) for _ in range(2))]
        first = torch.tensor([scale * share for scale in FIRST_VIEWS for share in loudness], device="cpu")
        with torch.no_grad():
            # The noise comes in as loud as a text, however few its numbers are; He's rule counts inputs, not loudness.
            entry.weight.mul_(math.sqrt((noise_dim + text_dim) / (2 * text_dim)))
            self.views.weight.mul_(first[:, None])
            self.content_style.weight.mul_(0.35)
            for layer in (self.word_views, self.gates.layer):
                layer.weight.zero_()

    def noise_shape(self, frames: int) -> tuple[int, ...]:
        """The shape of one clip's noise: one vector, whatever the number of frames."""
        return (self.noise_dim,)

    def clip_codes(self, noise: Tensor, text: Tensor) -> tuple[Tensor, ...]:
        """What goes for the whole clip, ``float[N, code_dim]`` each: its content, its look, and its motion."""
        noise = noise * math.sqrt(text.shape[1] / self.noise_dim)
        return self.clip_code(torch.cat((noise, TEXT_SCALE * text), dim=1)).chunk(3, dim=1)

    def picture(self, content: Tensor, look: Tensor) -> Tensor:
        """The clip's picture from two of its codes, as latents ``float[N, 1, C, h, w]``."""
        x = modulated(self.content(self.waves), self.content_style(content))
        for block in self.blocks:
            x = block(x, look)
        return self.out(F.leaky_relu(x, SLOPE))[:, None]

    def words_alone(self, noise: Tensor, text: Tensor) -> Tensor:
        """What the words add to the views' shares ``float[N, 6, K]``, in all company; the noise says how strongly."""
        shares = self.word_views(TEXT_SCALE * text).unflatten(1, (6, -1))
        return (1 + 0.5 * torch.tanh(self.strength(noise)))[..., None] * shares

    def shares(self, motion: Tensor, noise: Tensor, text: Tensor) -> Tensor:
        """How much of each time function the views would have, were nothing in the way, ``float[N, 6, K]``."""
        return VIEW_SCALE * (self.views(motion).unflatten(1, (6, -1)) + self.words_alone(noise, text))

    def view(self, motion: Tensor, noise: Tensor, text: Text, centre: Tensor) -> Views:
        """How each frame looks at a picture with that ``centre``; in full precision: half of it would shake what is
        shown."""
        with torch.autocast(noise.device.type, enabled=False):
            motion, said = motion.float(), text.whole.float()
            shares = self.shares(motion, noise, said)
            time = time_functions(TEMPO_SCALE * self.tempo(motion).squeeze(1), self.frames, self.harmonics)
            allowed = gated(shares, self.gates(text.words.float()), self.course(shares[:, WAY, 1:], said))
            return Views(allowed @ time, centre, shares[:, WAY, 0])

    def astray(self, noise: Tensor, text: Text) -> Tensor:
        """Which part of each clip's swings is beside the shape that goes with its text, ``float[N]`` from 0 to 1. Its
        gradient teaches the shape alone."""
        with torch.autocast(noise.device.type, enabled=False):
            said = text.whole.float()
            with torch.no_grad():
                ways = self.shares(self.clip_codes(noise, said)[2], noise, said)[:, WAY, 1:]
            return self.course.astray(ways, said)

    def effort(self, text: Text) -> Tensor:
        """How much change the text asks for, ``float[N]``: what its words open, each for itself. A gate that is clearly
        shut costs no less than one that is just shut, or all would be pushed out of the reach of any word."""
        openings = self.gates.openings(text.words).clamp(min=-SHUT)
        return openings.sum((1, 2))

    def forward(self, noise: Tensor, text: Text, codec: Codec) -> Tensor:
        """Noise ``float[N, noise_dim]`` and text to a video ``float32[N, T, 3, H, W]`` in [-1, 1], to be shown: beyond
        the picture's edges, on its ground."""
        return shown(*self.picture_and_views(noise, text, codec))

    def encoded(self, noise: Tensor, text: Text, codec: Codec) -> Tensor:
        """What the discriminator sees of that, a little coarser: latents ``float[N, T, C, h, w]``."""
        return encoded(*self.picture_and_views(noise, text, codec), codec)

    def best(self, noise: Tensor, text: Text, codec: Codec, preference: Callable[[Tensor], Tensor]) -> Tensor:
        """Of the videos that noise and text come to, the one whose latents the ``preference`` is largest for,
        ``float32[1, T, 3, H, W]``. It alone is made as finely as videos are shown."""
        pictures, views = self.picture_and_views(noise, text, codec)
        first = preference(encoded(pictures, views, codec)).argmax()[None]
        return shown(pictures[first], Views(*(value[first] for value in views)))

    def picture_and_views(self, noise: Tensor, text: Text, codec: Codec) -> tuple[Tensor, Views]:
        """Each clip's picture, ``float[N, 3, H, W]``, and how its frames look at it."""
        content, look, motion = self.clip_codes(noise, text.whole)
        pictures = codec.decode(self.picture(content, look))[:, 0]
        return pictures, self.view(motion, noise, text, middle(pictures))


def shown(pictures: Tensor, views: Views) -> Tensor:
    """Pictures ``float[N, 3, H, W]`` through their views, as videos ``float32[N, T, 3, H, W]`` in [-1, 1]."""
    pictures = pictures.clamp(-1, 1)
    ground = plain(pictures.float())
    frames = seen(pictures - ground, views, SAMPLES, beyond="zeros").squeeze(-1)
    return (ground[:, None] + frames).clamp(-1, 1)  # what is added may be rounded up


def encoded(pictures: Tensor, views: Views, codec: Codec) -> Tensor:
    """The same as latents ``float[N, T, C, h, w]``. Here the picture goes on as it ends, so that a stain at its edge is
    a ray that the discriminator sees, too."""
    return codec.encode_squares(seen(pictures, views, side=codec.side))


def random_waves(height: int, width: int) -> Tensor:
    """Waves of random length, direction and phase on a grid, and where its cells lie, ``float32[1, WAVES + 2, h, w]``.

    What StyleGAN3 draws on (Karras et al., NeurIPS 2021). On the CPU for the same reason as ``places``.
    """
    at = places(height, width)
    angle, length, phase = torch.rand(3, WAVES, device="cpu") * 2 * math.pi
    waves = torch.sin(at @ torch.stack((angle.cos(), angle.sin())) * MAX_WAVES_PER_UNIT * length + phase)
    return torch.cat((waves, at), dim=1).T.unflatten(1, (height, width))[None]


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


class Projection(nn.Module):
    """How real a feature is, plus how well it goes with a text."""

    def __init__(self, dim: int, text_dim: int) -> None:
        super().__init__()
        self.real = nn.Linear(dim, 1)
        self.hidden, self.query = nn.Linear(text_dim, dim), nn.Linear(dim, dim)
        self.scale = dim**-0.5

    def forward(self, features: Tensor, text: Tensor, realness: float = 1.0) -> Tensor:
        """Features ``float[N, K, dim]`` and text ``float[N, text_dim]`` to logits ``float[N, K]``. ``realness`` is the
        weight of what the text has no part in."""
        query = self.query(F.silu(self.hidden(text)))
        match = (features * query[:, None]).sum(-1) * self.scale
        return realness * self.real(features).squeeze(-1) + match


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
        text = self.text_encoder(tokens).whole
        matches = (self.clip_match, self.path_match, self.frame_match)
        return torch.cat([match(seen, text) for match, seen in zip(matches, features, strict=True)], dim=1)

    def forward(self, latents: Tensor, tokens: Tensor, frames: Tensor) -> Tensor:
        """Logits ``float[N, 2 + K]``: the clip's, its paths', then one for each of ``frames``."""
        return self.score(self.features(latents, frames), tokens)

    def preference(self, latents: Tensor, tokens: Tensor) -> Tensor:
        """How much better one video of a prompt is than another, ``float[N]``: what the critics say of all its frames
        and, more quietly, of its paths. How well a frame goes with the prompt counts in full, how real it is by half,
        or what is chosen would be less varied than what is drawn. (The clip critic would rather mislead: see the lab
        notebook.)"""
        text = self.text_encoder(tokens).whole
        frames = self.frame(latents.flatten(0, 1)).unflatten(0, latents.shape[:2])
        paths = self.path(latents)[:, None]
        fit = self.frame_match(frames, text, TASTE).mean(1)
        return fit + PATH_WEIGHT * self.path_match(paths, text).mean(1)
