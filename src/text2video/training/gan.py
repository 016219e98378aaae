"""Training the GAN: one loop for both kinds, and for each kind its recipe."""

import copy
import math
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text2video.models.codec import Codec
from text2video.models.frame_gan import FrameDiscriminator, FrameGenerator
from text2video.models.video_gan import VideoDiscriminator, VideoGenerator
from text2video.params import TrainParams
from text2video.text.encoder import Text, TextEncoder
from text2video.training.checkpoint import Stateful, require_finite
from text2video.training.losses import gradient_penalty, mismatched, relativistic
from text2video.training.ranks import Ranks

MAX_NORM = 30.0  # of a gradient, twice what is usual: without it, one wild batch of a young GAN can end it
FRAMES_SEEN = 3  # by the frame critic, of each clip in each step
EFFORT_FROM = 0.5  # of training: the gates start to learn, and to cost, when there is something to keep
FRAME_LOGITS = 2  # where theirs begin among the logits


@dataclass
class Generating:
    """The networks that turn prompts into latents."""

    generator: FrameGenerator | VideoGenerator
    text_encoder: TextEncoder


@dataclass
class Gan:
    """The networks of a GAN while it is trained."""

    generator: FrameGenerator | VideoGenerator
    text_encoder: TextEncoder
    discriminator: FrameDiscriminator | VideoDiscriminator

    def average(self) -> Generating:
        """A copy of what generates, to hold the moving average of its weights (Yazici et al., ICLR 2019)."""
        return copy.deepcopy(Generating(self.generator, self.text_encoder))


class VideoRecipe:
    """Relativistic pairs of whole videos under the same prompt, mismatched prompts, R1 and R2 on every few steps."""

    max_norm = MAX_NORM

    def __init__(
        self, generator: VideoGenerator, discriminator: VideoDiscriminator, params: TrainParams, steps: int,
        ranks: Ranks,
    ) -> None:  # fmt: skip
        self.generator, self.discriminator = generator, discriminator
        self.params, self.steps, self.ranks = params, steps, ranks

    def finishing(self, step: int) -> bool:
        """Whether the generator's gates learn by now, and cost, and its swings have settled."""
        return step >= EFFORT_FROM * self.steps

    def prepare(self, step: int) -> None:
        """Hold the gates as they are until then: before, every change is a bad one, and all of them would shut. And let
        swings stray from their shape: before, it is not the right one."""
        self.generator.gates.requires_grad_(self.finishing(step))
        self.generator.course.settled.fill_(self.finishing(step))

    def discriminator_loss(
        self, real: Tensor, fake: Tensor, tokens: Tensor, step: int, rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """What the discriminator minimises on real and generated latents ``[N, T, C, h, w]`` of the same prompts; and,
        ``float[N]``, how much more real it finds the real frames.

        The latents are this process's share of the batch, ``tokens`` are those of the whole.
        """
        critic, params, share = self.discriminator, self.params, self.ranks.share(len(tokens))
        frames, own = some_frames(real.shape[1], rng), tokens[share]
        seen = critic.features(real, frames)
        real_logits, fake_logits = critic.score(seen, own), critic(fake, own, frames)
        loss = relativistic(real_logits, fake_logits)
        margins = (real_logits - fake_logits).detach()[:, FRAME_LOGITS:].float().mean(1)
        if params.mismatch:
            loss = loss + params.mismatch * relativistic(
                real_logits, critic.score(seen, mismatched(tokens, rng)[share])
            )
        gamma = cosine(params.gamma, params.gamma_final, step / self.steps)
        if gamma and step % params.gamma_every == 0:
            penalty = sum(
                gradient_penalty(partial(critic, tokens=own, frames=frames), x) for x in (real, fake)
            )
            loss = loss + params.gamma_every * gamma / 2 * penalty
        return loss, margins

    def generator_loss(
        self, real: Tensor, fake: Tensor, tokens: Tensor, noise: Tensor, text: Text, step: int,
        rng: torch.Generator,
    ) -> Tensor:  # fmt: skip
        """What the generator minimises: that the real video of the prompt looks more real than its own, which it made
        of ``noise`` and of ``text``, the prompt as it reads it. In the first half, besides, how far its swings are from
        the shape that it has learned of them; in the second, how far its gates are open."""
        frames, own = some_frames(real.shape[1], rng), tokens[self.ranks.share(len(tokens))]
        with torch.no_grad():
            real_logits = self.discriminator(real, own, frames)
        loss = relativistic(self.discriminator(fake, own, frames), real_logits)
        if self.finishing(step):
            return loss + self.params.effort * self.generator.effort(text).mean()
        return loss + self.generator.astray(noise, text).mean()


def some_frames(total: int, rng: torch.Generator) -> Tensor:
    """The numbers of a few frames, ``int64[K]``: looking at all of them in each step costs more than it tells."""
    return torch.randperm(total, generator=rng)[:FRAMES_SEEN]


class FrameRecipe:
    """The tutorial's: binary cross-entropy on single frames, no text in the discriminator."""

    max_norm = math.inf

    def __init__(self, discriminator: FrameDiscriminator) -> None:
        self.discriminator = discriminator

    def finishing(self, step: int) -> bool:
        """All of its training is alike."""
        return True

    def prepare(self, step: int) -> None:
        """Nothing: it has no gates."""

    def discriminator_loss(
        self, real: Tensor, fake: Tensor, tokens: Tensor, step: int, rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Real frames should be called real, generated ones generated; and how much more real the real ones are."""
        real_scores, fake_scores = self.discriminator(real), self.discriminator(fake)
        loss = called(real_scores, 1.0) + called(fake_scores, 0.0)
        return loss, (real_scores - fake_scores).detach().float()

    def generator_loss(
        self, real: Tensor, fake: Tensor, tokens: Tensor, noise: Tensor, text: Text, step: int,
        rng: torch.Generator,
    ) -> Tensor:  # fmt: skip
        """Generated frames should be called real."""
        return called(self.discriminator(fake), 1.0)


def called(probabilities: Tensor, label: float) -> Tensor:
    """Binary cross-entropy of probabilities against one label, 1 for real and 0 for generated."""
    with torch.autocast(probabilities.device.type, enabled=False):  # it is refused in half precision
        return F.binary_cross_entropy(
            probabilities.float(), torch.full_like(probabilities, label, dtype=torch.float32)
        )


def recipe_of(gan: Gan, params: TrainParams, steps: int, ranks: Ranks) -> VideoRecipe | FrameRecipe:
    """The recipe that goes with the discriminator."""
    if isinstance(gan.generator, VideoGenerator) and isinstance(gan.discriminator, VideoDiscriminator):
        return VideoRecipe(gan.generator, gan.discriminator, params, steps, ranks)
    assert isinstance(gan.discriminator, FrameDiscriminator)
    return FrameRecipe(gan.discriminator)


def cosine(start: float, end: float, progress: float) -> float:
    """From ``start`` at progress 0 to ``end`` at progress 1, flat at both ends."""
    return end + (start - end) * (1 + math.cos(math.pi * min(progress, 1))) / 2


class GanTrainer:
    """All that one training run holds, and its step."""

    def __init__(
        self, gan: Gan, codec: Codec, params: TrainParams, steps: int, ranks: Ranks | None = None
    ) -> None:
        self.gan, self.codec, self.params, self.steps = gan, codec, params, steps
        self.ranks = ranks or Ranks()
        self.recipe = recipe_of(gan, params, steps, self.ranks)
        self.average = gan.average()
        betas = (float(params.beta1), float(params.beta2))
        generating = [*gan.generator.parameters(), *gan.text_encoder.parameters()]
        self.optimizer_g = torch.optim.Adam(generating, lr=params.lr, betas=betas, fused=True)
        self.optimizer_d = torch.optim.Adam(
            gan.discriminator.parameters(), lr=params.lr, betas=betas, fused=True
        )

    def parts(self) -> dict[str, Stateful]:
        """All that the next step depends on, but for the random numbers."""
        average = {f"average_{name}": network for name, network in vars(self.average).items()}
        return {**vars(self.gan), **average, "optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d}

    def step(
        self, step: int, real: Tensor, tokens: Tensor, rng: torch.Generator
    ) -> tuple[dict[str, float], Tensor]:
        """One update of the discriminator and one of the generator, on real latents ``[N, T, C, h, w]`` and prompts.

        The discriminator sees generated videos as it sees real ones: in the codec's code.
        ``rng`` draws the noise. Returns the two losses; and of each prompt of the whole batch, ``float32[B]`` on the
        CPU, how much more real the discriminator finds the real video.
        """
        gan, progress = self.gan, step / self.steps
        for optimizer in (self.optimizer_d, self.optimizer_g):
            for group in optimizer.param_groups:
                group["lr"] = cosine(self.params.lr, self.params.lr_final, progress)
        share, shape = self.ranks.share(len(tokens)), gan.generator.noise_shape(real.shape[1])
        noise = torch.randn((len(tokens), *shape), generator=rng)[share].to(real.device)

        self.recipe.prepare(step)
        text = gan.text_encoder(tokens[share])
        fake = gan.generator.encoded(noise, text, self.codec)
        loss_d, margins = self.recipe.discriminator_loss(real, fake.detach(), tokens, step, rng)
        self._update(self.optimizer_d, loss_d, step)

        gan.discriminator.requires_grad_(False)
        loss_g = self.recipe.generator_loss(real, fake, tokens, noise, text, step, rng)
        self._update(self.optimizer_g, loss_g, step)
        gan.discriminator.requires_grad_(True)
        for name, average in vars(self.average).items():
            move_average(average, getattr(gan, name), self.params.ema, step)
        everyone = margins.new_zeros(len(tokens))
        everyone[share] = margins * self.ranks.world
        means = self.ranks.mean(torch.cat((torch.stack((loss_d, loss_g)).detach().float(), everyone))).cpu()
        return dict(zip(("loss_d", "loss_g"), means[:2].tolist(), strict=True)), means[2:]

    def _update(self, optimizer: torch.optim.Optimizer, loss: Tensor, step: int) -> None:
        require_finite(loss, step, "train.lr")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        values = [value for group in optimizer.param_groups for value in group["params"]]
        self.ranks.average(values)
        torch.nn.utils.clip_grad_norm_(values, self.recipe.max_norm)
        optimizer.step()


@torch.no_grad()
def move_average(average: nn.Module, network: nn.Module, ema: float, step: int) -> None:
    """Move the averaged weights towards those of a network after a step, and copy what is not trained; young averages
    forget the start sooner."""
    decay = min(ema, (step + 1) / (step + 10))
    for mean, value in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(value, 1 - decay)
    for held, latest in zip(average.buffers(), network.buffers(), strict=True):
        held.copy_(latest)
