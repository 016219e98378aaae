"""A rectified flow: a transformer over space and time that turns noise into latents along straight lines.

With x1 the latents of a clip, x0 standard normal noise and t in [0, 1], the network sees x_t = t x1 + (1 - t) x0 and
the words, and learns the velocity v = x1 - x0 (Liu et al., ICLR 2023; Lipman et al., ICLR 2023). A clip is drawn by
following v from t = 0 to 1. Each frame has a time of its own: frames at t = 1 are given, and the others go on from
them.

The network predicts F in v = (2 t - 1) / s^2 x_t + F / s, with s^2 = t^2 + (1 - t)^2: the first term is the best linear
guess of v, and F has variance 1 at all times (preconditioning: Karras et al., NeurIPS 2022).

The frames of a clip are redundant, so it takes more noise than for a picture to hide what they show. Training visits
noisier times, and the sampler takes smaller steps there (Esser et al., ICML 2024). In training the times of a clip's
frames differ, so that clear frames teach what follows for the others (diffusion forcing: Chen et al., NeurIPS 2024).
"""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text2video.models.base import PLAIN, Batch, SampleOptions, Spec, Update, VideoModel
from text2video.models.codec import Codec
from text2video.models.muon import Muon
from text2video.params import FlowParams
from text2video.text.encoder import Encoded
from text2video.text.prompts import Prompts

HEAD_DIM = 64
EXPANSION = 3  # of the gated layer between two linear ones
FREQUENCIES = 32  # that the time is told by
MAX_FREQUENCY = 100.0  # of them, in half turns from t = 0 to 1
RATE = 16.0  # of train.lr, divided by the depth: larger networks take smaller steps
STRIDE = 997  # places that noise is moved by, from one step to the next
MASKED = -1e4  # added to the logits of what attention must not see


class Block(nn.Module):
    """Attention over all tokens of the clip and all words, then a gated layer (SwiGLU: Shazeer, 2020).

    Both see ``shifted`` features of each neighbour in time, height and width in place of the token's own.
    Both are scaled, shifted and gated by the time and the text (adaLN: Peebles and Xie, ICCV 2023), by one linear layer
    for all blocks and a table for each (PixArt-alpha: Chen et al., ICLR 2024). Their last layers start at zero.
    """

    def __init__(self, width: int, shifted: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.shifted, self.grid = shifted, grid
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.words = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 2 * EXPANSION * width, bias=False)
        self.down = nn.Linear(EXPANSION * width, width, bias=False)
        self.table = nn.Parameter(torch.zeros(6, width))
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x: Tensor, words: Tensor, bias: Tensor, modulation: Tensor) -> Tensor:
        """Tokens float[N, T, S, width] to the same shape. ``words`` are float[N, L, width]; ``bias`` of the logits is
        float[N, 1, 1, L + T S], ``modulation`` float[N, T, 1, 6, width]."""
        scale1, shift1, gate1, scale2, shift2, gate2 = (modulation + self.table).to(x.dtype).unbind(3)
        h = self.shift_tokens(torch.addcmul(shift1, normalise(x), 1 + scale1))
        x = torch.addcmul(x, 1 + gate1, self.attend(h, words, bias))
        h = self.shift_tokens(torch.addcmul(shift2, normalise(x), 1 + scale2))
        value, gate = self.up(h).chunk(2, dim=-1)
        return torch.addcmul(x, 1 + gate2, self.down(value * F.silu(gate)))

    def shift_tokens(self, x: Tensor) -> Tensor:
        """Tokens with some features from the frame before and after, the row above and below, and the column left and
        right, zeros beyond the edge (temporal shift: Lin et al., ICCV 2019)."""
        if not self.shifted:
            return x
        *groups, own = x.unflatten(2, self.grid).tensor_split([self.shifted * (i + 1) for i in range(6)], -1)
        pads = ((axis, step) for axis in (6, 4, 2) for step in (1, -1))  # F.pad counts axes from the last
        moved = [F.pad(group, (0,) * axis + (step, -step)) for group, (axis, step) in zip(groups, pads, strict=True)]
        return torch.cat((*moved, own), -1).flatten(2, 3)

    def attend(self, x: Tensor, words: Tensor, bias: Tensor) -> Tensor:
        """Attention of each token to all words and tokens, as plain products: on CPUs the fused kernel is slower."""
        query, key, value = split_heads(self.qkv(x.flatten(1, 2)), 3)
        word_key, word_value = split_heads(self.words(words), 2)
        key, value = torch.cat((word_key, key), 2), torch.cat((word_value, value), 2)
        logits = normalise(query) @ (normalise(key) * HEAD_DIM**-0.5).mT + bias
        mixed = logits.softmax(-1) @ value
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out.view_as(x)


class Convolutions(nn.Module):
    """Two layers over each frame in the full resolution of the latents."""

    def __init__(self, inputs: int, channels: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """float[N, T, inputs, h, w] to float[N, T, outputs, h, w]."""
        out: Tensor = self.second(F.silu(self.first(x.flatten(0, 1))))
        return out.unflatten(0, x.shape[:2])


def normalise(x: Tensor) -> Tensor:
    """The last dimension to mean 0 and variance 1, in the precision of ``x``."""
    return F.layer_norm(x, x.shape[-1:]).to(x.dtype)


def split_heads(x: Tensor, parts: int) -> tuple[Tensor, ...]:
    """float[N, L, parts * width] to that many float[N, heads, L, HEAD_DIM]."""
    return x.unflatten(2, (parts, -1, HEAD_DIM)).permute(2, 0, 3, 1, 4).unbind(0)


def sinusoids(count: int, dim: int) -> Tensor:
    """Sines and cosines of positions 0 to ``count`` - 1, float32[count, dim] (after Vaswani et al., 2017, base 100)."""
    frequencies = torch.exp(-math.log(100.0) * torch.arange(dim // 2, device="cpu") / (dim // 2))
    angles = torch.arange(count, device="cpu")[:, None] * frequencies
    return torch.cat((angles.sin(), angles.cos()), dim=1)


class FlowTransformer(nn.Module):
    """The network: noisy latents, an earlier guess of the clean ones, a time for each frame and a text to F.

    Convolutions before and after the transformer see to what is smaller than a token.
    """

    def __init__(self, params: FlowParams, latent_shape: tuple[int, int, int], frames: int, text_dim: int) -> None:
        super().__init__()
        depth, patch = params.depth, params.patch
        channels, rows, columns = latent_shape[0], latent_shape[1] // patch, latent_shape[2] // patch
        width = HEAD_DIM * depth // 2
        self.patch, self.grid = patch, (rows, columns)
        details = params.conv_width
        self.stem = Convolutions(2 * channels, details, details)
        self.head = Convolutions(2 * details, details, channels)
        self.enter = nn.Linear((2 * channels + details) * patch * patch, width)
        place = sinusoids(rows, width)[:, None].roll(width // 3, -1) + sinusoids(columns, width).roll(-width // 3, -1)
        self.position = nn.Parameter(0.5 * (sinusoids(frames, width)[:, None] + place.flatten(0, 1)))
        self.time = nn.Sequential(nn.Linear(2 * FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width))
        self.prompt, self.word = nn.Linear(text_dim, width), nn.Linear(text_dim, width)
        self.modulation, self.final = nn.Linear(width, 6 * width), nn.Linear(width, 2 * width)
        self.blocks = nn.ModuleList(Block(width, int(params.token_shift * width / 6), self.grid) for _ in range(depth))
        self.out = nn.Linear(width, (channels + details) * patch * patch)
        for layer in (self.modulation, self.final, self.head.second):
            for weight in layer.parameters():
                nn.init.zeros_(weight)

    def forward(self, x: Tensor, guess: Tensor, time: Tensor, text: Encoded) -> Tensor:
        """Latents and their guess float[N, T, C, h, w] and times float[N, T] to float32[N, T, C, h, w]."""
        angles = time[..., None] * math.pi * torch.logspace(0, math.log10(MAX_FREQUENCY), FREQUENCIES).to(time)
        state = self.time(torch.cat((angles.sin(), angles.cos()), dim=-1)) + self.prompt(text.pooled)[:, None]
        state = F.silu(state)[:, :, None]
        modulation = self.modulation(state).unflatten(3, (6, -1))
        x = torch.cat((x, guess), 2)
        details = F.silu(self.stem(x))
        patches = F.pixel_unshuffle(torch.cat((x, details), 2), self.patch)  # float[N, T, channels, rows, columns]
        tokens = self.enter(patches.flatten(3).mT.contiguous()) + self.position
        words = self.word(text.tokens) + sinusoids(text.tokens.shape[1], tokens.shape[3]).to(x.device)
        kind = x.device.type
        if torch.is_autocast_enabled(kind):
            low = torch.get_autocast_dtype(kind)
            tokens, words = tokens.to(low), words.to(low)
        seen = F.pad(text.mask, (0, tokens.shape[1] * tokens.shape[2]), value=True)[:, None, None]
        bias = torch.where(seen, 0.0, MASKED).to(tokens.dtype)
        for block in self.blocks:
            tokens = block(tokens, words, bias, modulation)
        scale, shift = self.final(state).chunk(2, dim=-1)
        patches = self.out(normalise(tokens) * (1 + scale) + shift).mT.unflatten(3, self.grid)
        drawn = F.pixel_shuffle(patches, self.patch)
        coarse, drawn = drawn.tensor_split([-details.shape[2]], 2)
        return coarse.float() + self.head(torch.cat((drawn, details), 2)).float()


class Flow(VideoModel):
    """The kind ``flow``."""

    guided: Tensor
    max_grad_norm = 1.0
    options = frozenset({"guidance", "steps", "first", "like", "change", "towards", "share"})

    def __init__(self, params: FlowParams, spec: Spec) -> None:
        super().__init__()
        self.params, self.shape = params, (spec.frames, *spec.latent_shape)
        self.text_encoder = spec.text_encoder()
        self.network = FlowTransformer(params, spec.latent_shape, spec.frames, spec.text_dim)
        self.register_buffer("guided", torch.tensor(False, device="cpu"))  # whether v(text) has learned guidance

    def optimizers(self, lr: float) -> dict[str, torch.optim.Optimizer]:
        """Muon (Jordan et al., 2024) for the blocks' matrices, Adam for all other weights."""
        matrices = [weight for weight in self.network.blocks.parameters() if weight.ndim == 2 and len(weight) > 6]
        known = set(map(id, matrices))
        others = [weight for weight in self.parameters() if id(weight) not in known]
        scale = RATE / self.params.depth
        rest = [{"params": others, "lr_scale": scale}]
        adam = torch.optim.Adam(rest, lr=lr, betas=(0.9, 0.99), fused=True)
        return {"matrices": Muon([{"params": matrices, "lr_scale": scale}], lr=lr), "others": adam}

    def training_step(self, batch: Batch, codec: Codec, update: Update) -> dict[str, Tensor]:
        """One step down the mean squared error of the velocity, and of its change from frame to frame.

        Some clips lose their prompt, so that guidance has something to compare with; of some, the first frames are
        given, and have no error. In some steps, the network sees a guess of its own (self-conditioning: Chen et
        al., ICLR 2023). Towards the end, guidance is part of the target.
        """
        params, clean = self.params, batch.latents
        text = without_prompt(self.read(batch.prompts), batch.rand() < params.prompt_dropout)
        frames = clean.shape[1]
        count = (batch.rand() * frames / 2).ceil() * (batch.rand() < params.context_share)
        given = torch.arange(frames, device=clean.device) < count[:, None]
        spread = params.time_std * batch.randn()[:, None] + params.frame_time_std * batch.randn(frames)
        time = torch.where(given, 1.0, (params.time_mean + spread).sigmoid())[:, :, None, None, None]
        noise, guess = batch.randn(*clean.shape[1:]), torch.zeros_like(clean)
        x = torch.lerp(noise, clean, time)
        if torch.rand((), generator=batch.rng) < params.self_conditioning:
            with torch.no_grad():
                guess = x + (1 - time) * self.velocity(x, guess, time, text)
            torch.clear_autocast_cache()  # else older versions of PyTorch give the weights no gradient
        velocity, target = self.velocity(x, guess, time, text), clean - noise
        if batch.progress >= params.guided_from and params.prompt_dropout:  # else v(nothing) is not known
            target = target + self.guidance_to_learn(velocity, x, guess, time, text)
            self.guided.fill_(True)
        error = (velocity - target) * ~given[:, :, None, None, None]
        loss = error.square().mean() + params.difference_weight * error.diff(dim=1).square().mean()
        update(("matrices", "others"), loss)
        return {"loss": loss}

    @torch.no_grad()
    def guidance_to_learn(self, velocity: Tensor, x: Tensor, guess: Tensor, time: Tensor, text: Encoded) -> Tensor:
        """(1 - 1 / guidance) (v(text) - v(nothing)). With that added to its target, v(text) becomes v(nothing) +
        guidance (u - v(nothing)), u what it was without: one evaluation draws with guidance (Tang et al., 2025)."""
        nothing = self.velocity(x, guess, time, without_prompt(text))
        return (1 - 1 / self.params.guidance) * (velocity - nothing)

    def read(self, prompts: Prompts) -> Encoded:
        """N prompts as vectors; with ``flow.words`` pooled, attention sees none of the words."""
        text: Encoded = self.text_encoder(prompts)
        return text if self.params.words == "tokens" else text._replace(mask=torch.zeros_like(text.mask))

    def velocity(self, x: Tensor, guess: Tensor, time: Tensor, text: Encoded) -> Tensor:
        """v of noisy latents float[N, T, C, h, w] at times float[N, T, 1, 1, 1]; ``guess`` of the clean ones is 0 where
        there is none."""
        if self.params.target == "velocity":
            return self.network(x, guess, time.flatten(1), text)
        scale = (time.square() + (1 - time).square()).sqrt()
        return (2 * time - 1) / scale.square() * x + self.network(x / scale, guess, time.flatten(1), text) / scale

    def noise_shape(self) -> tuple[int, ...]:
        """The latents of a clip."""
        return self.shape

    def sample(self, noise: Tensor, prompts: Prompts, codec: Codec, options: SampleOptions = PLAIN) -> Tensor:
        """Noise float[N, T, C, h, w] and N prompts to videos float32[N, T, 3, H, W] in [-1, 1].

        Each step guesses the clip and mixes it with less noise. With ``renoise`` 0 the noise is the one that x holds
        (Euler's method); with 1 it is other noise, so that frames which do not agree can still be mended (multistep
        sampling: Song et al., ICML 2023).

        Frames that are ``first`` stay at time 1. To vary a video, the way begins at its mixture with the noise at time
        1 - change (SDEdit: Meng et al., ICLR 2022), and keeps that noise.
        """
        clean, guess = torch.zeros_like(noise), torch.zeros_like(noise)
        given = torch.zeros_like(noise[:, :, :1, :1, :1], dtype=torch.bool)
        x, times = noise, self.times(options.steps or self.params.steps)
        if options.like is not None:
            change = 0.5 if options.change is None else options.change
            times = [1 - change * (1 - time) for time in times]
            x = torch.lerp(noise, codec.encode(options.like), times[0])
        if options.first is not None:
            count = options.first.shape[1]
            clean[:, :count], given[:, :count] = codec.encode(options.first), True
        texts = [self.read(said) for said in (prompts, options.towards) if said is not None]
        renoise = self.params.renoise if options.like is None else 0.0  # the frames of ``like`` agree
        kept = math.sqrt(1 - renoise**2)
        for step, (start, end) in enumerate(itertools.pairwise(times), start=1):
            x, time = torch.where(given, clean, x), torch.where(given, 1.0, start)
            velocity = self.guided_velocity(x, guess, time, texts, options)
            clip, held = x + (1 - time) * velocity, x - time * velocity  # guesses of x1 and x0
            other = noise.flatten(1).roll(STRIDE * step, 1).view_as(noise)  # of the clip's own seed, in other places
            x = torch.lerp(kept * held + renoise * other, clip, end)
            guess = clip if self.params.self_conditioning else guess
        return codec.decode(torch.where(given, clean, x)).float().clamp(-1, 1)

    def times(self, steps: int) -> list[float]:
        """The times that the sampler visits, ``steps`` + 1 from 0 to 1, closer to each other at first."""
        even = torch.linspace(0, 1, steps + 1, device="cpu")
        times: list[float] = (even / (even + self.params.shift * (1 - even))).tolist()
        return times

    def guided_velocity(
        self, x: Tensor, guess: Tensor, time: Tensor, texts: list[Encoded], options: SampleOptions
    ) -> Tensor:
        """Classifier-free guidance (Ho and Salimans, 2022): v(nothing) + guidance (v(text) - v(nothing)). Of two texts,
        v(text) is the mean of theirs, weighted by ``share``."""
        guidance = self.params.guidance if options.guidance is None else options.guidance
        if self.guided:
            guidance /= self.params.guidance  # v(text) holds that much
        share = 0.5 if options.share is None else options.share
        weights = [guidance] if len(texts) == 1 else [guidance * (1 - share), guidance * share]
        nothing = without_prompt(texts[0])
        terms = [term for term in zip([1 - guidance, *weights], [nothing, *texts], strict=True) if term[0]]
        x, guess, time = (torch.cat([part] * len(terms)) for part in (x, guess, time))
        velocities = self.velocity(x, guess, time, join([text for _, text in terms])).chunk(len(terms))
        return torch.stack([weight * part for (weight, _), part in zip(terms, velocities, strict=True)]).sum(0)


def without_prompt(text: Encoded, which: Tensor | None = None) -> Encoded:
    """``text`` where ``which`` bool[N] prompts, or all, say nothing: no word is seen, and the pooled vector is 0."""
    kept = torch.zeros_like(text.mask[:, :1]) if which is None else ~which[:, None]
    return Encoded(text.tokens, text.mask & kept, text.pooled * kept)


def join(texts: list[Encoded]) -> Encoded:
    """Several batches of encoded prompts as one, padded to the longest."""
    longest = max(text.mask.shape[1] for text in texts)
    tokens = torch.cat([F.pad(text.tokens, (0, 0, 0, longest - text.tokens.shape[1])) for text in texts])
    mask = torch.cat([F.pad(text.mask, (0, longest - text.mask.shape[1])) for text in texts])
    return Encoded(tokens, mask, torch.cat([text.pooled for text in texts]))
