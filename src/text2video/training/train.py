"""Stage ``train``: the loop that turns latents and captions into a generator."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from text2video.console import Progress, Stopwatch
from text2video.data.packed import PackedReader
from text2video.device import autocast, on_device, pick_device
from text2video.files import write_json, write_text
from text2video.layout import Layout
from text2video.models.gans import build_discriminator, build_generator
from text2video.params import Params
from text2video.text.encoder import TextEncoder
from text2video.text.vocabulary import Vocabulary
from text2video.training.batches import Batches
from text2video.training.gan import Gan, GanTrainer
from text2video.training.tables import table
from text2video.training.validation import Validation
from text2video.weights import save_network


class Samples:
    """Real latents with their prompts: whole clips for the video GAN, single frames for the frame GAN."""

    def __init__(self, latents: PackedReader, vocabulary: Vocabulary, params: Params) -> None:
        self.latents, self.params = latents, params
        self.tokens = torch.from_numpy(vocabulary.encode(latents.captions))
        self.frames = latents.shape[0] if params.gan.kind == "frame" else 1
        self.batches = Batches(len(latents) * self.frames, params.train.batch, params.train.seed)

    def at(self, step: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Latents ``float32[N, T, C, h, w]`` and word numbers ``int64[N, L]`` of a step; T is 1 for single frames.

        ``rng`` chooses the words that are replaced by ``<unk>``, so that an unknown word comes to mean "any".
        """
        clips, frame = np.divmod(self.batches[step].numpy(), self.frames)
        real = torch.from_numpy(self.latents[clips])
        if self.params.gan.kind == "frame":
            real = real[torch.arange(len(clips)), torch.from_numpy(frame)][:, None]
        tokens = self.tokens[clips]
        unknown = torch.rand(tokens.shape, generator=rng) < self.params.text.unknown_share
        return real.float(), tokens.masked_fill(unknown & (tokens > 0), 1)


def build_gan(params: Params, latent_shape: tuple[int, int, int], frames: int, words: int) -> Gan:
    """New networks of the kind that ``params.gan`` names, initialised from ``params.train.seed``."""
    torch.manual_seed(params.train.seed)
    return Gan(
        build_generator(params.gan, params.text, latent_shape, frames),
        TextEncoder(words, params.text.dim, params.text.pooling),
        build_discriminator(params.gan, params.text, latent_shape, frames, words),
    )


def train(params: Params, layout: Layout) -> None:
    """Train the GAN on ``data/latents`` and keep the weights that did best on the validation prompts.

    Writes ``models/gan`` and, under ``metrics``, ``train.json``; and while it goes, ``train.csv``, ``validation.csv``
    and ``samples/``. Raises UserError when a loss is no finite number.
    """
    watch = Stopwatch()
    device = pick_device(params.runtime)
    latents, vocabulary = PackedReader(layout.latents), Vocabulary.load(layout.vocabulary)
    frames, *grid = latents.shape
    latent_shape = (grid[0], grid[1], grid[2])
    gan = build_gan(params, latent_shape, frames, len(vocabulary))
    for network in (gan.generator, gan.text_encoder, gan.discriminator):
        on_device(network, device)
    samples = Samples(latents, vocabulary, params)
    steps = max(math.ceil(params.train.epochs * samples.batches.per_epoch), 1)
    trainer = GanTrainer(gan, params.train, steps)
    validation = Validation(params, layout, vocabulary, device)
    losses = loop(trainer, samples, validation, params, layout, device, watch)
    config = {"gan": params.gan.model_dump(), "text": params.text.model_dump(), "frames": frames,
              "latent_shape": latent_shape, "words": len(vocabulary), "fps": int(latents.fps)}  # fmt: skip
    save_network(layout.gan, {**vars(validation.best.networks), "discriminator": gan.discriminator}, config)
    summary = {
        "steps": steps, "clips_seen": steps * samples.batches.batch // samples.frames,
        "kept_step": validation.best.step, "validation": validation.best.scores,
        "loss_d": round(losses[-1][1], 4), "loss_g": round(losses[-1][2], 4),
        "generator_parameters": count(gan.generator), "discriminator_parameters": count(gan.discriminator),
    }  # fmt: skip
    write_json(layout.metrics / "train.json", summary)
    watch.report()


def loop(
    trainer: GanTrainer, samples: Samples, validation: Validation, params: Params, layout: Layout, device: torch.device,
    watch: Stopwatch,
) -> list[tuple[int, float, float]]:  # fmt: skip
    """All steps. Returns rows of (step, loss_d, loss_g), averaged over stretches so that there are at most 1000."""
    rows: list[tuple[int, float, float]] = []
    recent: list[tuple[float, float]] = []
    stretch = max(trainer.steps // 1000, 1)
    pause = max(round(params.train.validate_every * samples.batches.per_epoch), 1)
    rng = torch.Generator().manual_seed(params.train.seed)
    clips = samples.batches.batch if samples.frames == 1 else None
    with Progress("train", trainer.steps, every=params.runtime.log_every, batch=clips) as progress:
        for step in range(trainer.steps):
            with watch("read"):
                real, tokens = samples.at(step, rng)
            with watch("step"), autocast(device, params.train.precision):
                losses = trainer.step(step, real.to(device), tokens.to(device), rng)
            recent.append((losses["loss_d"], losses["loss_g"]))
            done = step + 1
            if done % stretch == 0 or done == trainer.steps:
                rows.append((done, *np.mean(recent, 0).tolist()))
                recent.clear()
            if done % pause == 0 or done == trainer.steps:
                with watch("validate"):
                    validation.run(done, trainer.average)
                write_text(layout.metrics / "train.csv", table(["step", "loss_d", "loss_g"], rows))
            progress.update(done, **losses, joint=validation.last)
    return rows


def count(network: nn.Module) -> int:
    """The number of trained values in a network."""
    return sum(parameter.numel() for parameter in network.parameters())
