"""Stage ``train``: the loop that turns latents and captions into a generator."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from text2video.console import Progress, Stopwatch
from text2video.data.packed import PackedReader
from text2video.device import autocast, on_device, pick_device, resolved
from text2video.errors import UserError
from text2video.files import remove_leftovers, write_json, write_text
from text2video.layout import Layout
from text2video.models.codec import Codec
from text2video.models.gans import build_discriminator, build_generator
from text2video.params import Params
from text2video.text.encoder import TextEncoder
from text2video.text.vocabulary import Vocabulary
from text2video.training.batches import Batches, Priorities
from text2video.training.checkpoint import Randomness, Scratch, fingerprint
from text2video.training.gan import Gan, GanTrainer
from text2video.training.ranks import Ranks, joined, resumable_together
from text2video.training.tables import Curve
from text2video.training.validation import Validation
from text2video.weights import load_codec, save_network


class Samples:
    """Real latents with their prompts: whole clips for the video GAN, single frames for the frame GAN."""

    def __init__(
        self, latents: PackedReader, vocabulary: Vocabulary, params: Params, ranks: Ranks | None = None
    ) -> None:
        self.latents, self.params, self.ranks = latents, params, ranks or Ranks()
        self.tokens = torch.from_numpy(vocabulary.encode(latents.captions))
        self.frames = latents.shape[0] if params.gan.kind == "frame" else 1
        self.batches = Batches(len(latents) * self.frames, params.train.batch, params.train.seed)
        captions = [caption for caption in latents.captions for _ in range(self.frames)]
        self.priorities = Priorities(captions, params.train.priority)

    def choose(self, step: int, rng: torch.Generator) -> Tensor:
        """The numbers of the samples of a step, ``int64[batch]``."""
        if not self.params.train.priority:
            return self.batches[step]
        return self.priorities.draw(self.batches.batch, rng)

    def read(self, chosen: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Latents ``float32[N, T, C, h, w]`` and word numbers ``int64[N, L]`` of samples; T is 1 for single frames.

        Of several processes, each reads the latents of its share, and all have the words of the whole batch. ``rng``
        chooses the words that are replaced by ``<unk>``, so that an unknown word comes to mean "any".
        """
        clips, frame = np.divmod(chosen.numpy(), self.frames)
        share = self.ranks.share(len(clips))
        real = torch.from_numpy(self.latents[clips[share]])
        if self.params.gan.kind == "frame":
            real = real[torch.arange(len(real)), torch.from_numpy(frame[share])][:, None]
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
    """Train the GAN on ``data/latents`` and keep the newest weights that do about as well as any on the
    validation prompts.

    Writes ``models/gan`` and, under ``metrics``, ``train.json``; and while it goes, ``train.csv``, ``validation.csv``
    and ``samples/``. Goes on where an earlier run was stopped. Raises UserError when a loss is no finite number.
    """
    watch = Stopwatch()
    with joined() as ranks:
        device = ranks.device(pick_device(params.runtime))
        latents, vocabulary = PackedReader(layout.latents), Vocabulary.load(layout.vocabulary)
        sections = {name: getattr(params, name).model_dump() for name in ("text", "gan", "train")}
        inputs = [layout.latents, layout.vocabulary, layout.validation, layout.codec]
        run = fingerprint({**sections, "processes": ranks.world}, layout.root, inputs, device)
        samples, codec = Samples(latents, vocabulary, params, ranks), load_codec(layout.codec, device)
        every = params.runtime.checkpoint_every
        with resumable_together("train", layout.root, run, every, ranks) as scratch:
            if not ranks.leads:
                follow(new_trainer(samples, vocabulary, codec, device), samples, scratch, device, watch)
                return
            names = ("train.json", "train.csv", "validation.csv")
            remove_leftovers(layout.gan, *(layout.metrics / name for name in names))
            trainer = new_trainer(samples, vocabulary, codec, device)
            validation = Validation(params, layout, vocabulary, codec, device, trainer.average)
            if latents.shape != (validation.frames, *codec.latent_shape):
                fault = f"{layout.latents} is of another shape than {layout.codec} and {layout.validation}"
                raise UserError(f"{fault}; run the stage autoencode again")
            curve = loop(trainer, samples, validation, scratch, params, layout, device, watch)
            save_results(params, layout, trainer, samples, validation, curve)
    watch.report()


def new_trainer(samples: Samples, vocabulary: Vocabulary, codec: Codec, device: torch.device) -> GanTrainer:
    """New networks on ``device``, to be trained on ``samples`` for as many epochs as the page says."""
    params, (frames, *grid) = samples.params, samples.latents.shape
    gan = build_gan(params, (grid[0], grid[1], grid[2]), frames, len(vocabulary))
    for network in vars(gan).values():
        on_device(network, device)
    steps = max(math.ceil(params.train.epochs * samples.batches.per_epoch), 1)
    return GanTrainer(gan, codec, params.train, steps, samples.ranks)


def advance(
    trainer: GanTrainer, samples: Samples, step: int, rng: torch.Generator, device: torch.device, watch: Stopwatch
) -> dict[str, float]:  # fmt: skip
    """One step on the samples that are due, and what it says of their prompts. Returns the two losses."""
    with watch("read"):
        chosen = samples.choose(step, rng)
        real, tokens = samples.read(chosen, rng)
    with watch("step"), autocast(device, samples.params.train.precision):
        losses, margins = trainer.step(step, real.to(device), tokens.to(device), rng)
    samples.priorities.update(chosen, margins)
    return losses


def follow(
    trainer: GanTrainer, samples: Samples, scratch: Scratch, device: torch.device, watch: Stopwatch
) -> None:  # fmt: skip
    """What a process does that is led by another one: the same steps from the same state, and nothing else."""
    rng = torch.Generator().manual_seed(samples.params.train.seed)
    parts = {**trainer.parts(), "rng": Randomness(rng), "priorities": samples.priorities}
    start = scratch.restore(parts, trainer.steps)
    for step in scratch.steps(start, trainer.steps):
        advance(trainer, samples, step, rng, device, watch)


def loop(
    trainer: GanTrainer, samples: Samples, validation: Validation, scratch: Scratch, params: Params, layout: Layout,
    device: torch.device, watch: Stopwatch,
) -> Curve:  # fmt: skip
    """All steps that are left. Returns the curves of the two losses."""
    total, curve = trainer.steps, Curve(["loss_d", "loss_g"], trainer.steps)
    pause = max(round(params.train.validate_every * samples.batches.per_epoch), 1)
    rng = torch.Generator().manual_seed(params.train.seed)
    parts = {
        **trainer.parts(), "validation": validation, "curve": curve, "rng": Randomness(rng),
        "priorities": samples.priorities,
    }  # fmt: skip
    start = scratch.restore(parts, total)
    clips = samples.batches.batch if samples.frames == 1 else None
    with Progress("train", total, every=params.runtime.log_every, batch=clips, start=start) as progress:
        for step in scratch.steps(start, total):
            losses = advance(trainer, samples, step, rng, device, watch)
            done = step + 1
            curve.add(done, losses["loss_d"], losses["loss_g"])
            if done % pause == 0 or done == total:
                with watch("validate"):
                    validation.run(done, trainer.average, trainer.recipe.finishing(step))
                write_text(layout.metrics / "train.csv", curve.text())
            progress.update(done, **losses, joint=validation.last)
    return curve


def save_results(
    params: Params,
    layout: Layout,
    trainer: GanTrainer,
    samples: Samples,
    validation: Validation,
    curve: Curve,
) -> None:
    """Write the networks that were kept, the discriminator, and what there is to say about them."""
    gan, kept, (frames, *latent_shape) = trainer.gan, validation.kept, samples.latents.shape
    config = {"gan": params.gan.model_dump(), "text": params.text.model_dump(), "frames": frames,
              "latent_shape": latent_shape, "words": gan.text_encoder.embedding.num_embeddings,
              "fps": int(samples.latents.fps)}  # fmt: skip
    save_network(layout.gan, {**vars(kept.networks), "discriminator": gan.discriminator}, config)
    write_text(layout.metrics / "train.csv", curve.text())
    summary = {
        "steps": trainer.steps, "clips_seen": trainer.steps * samples.batches.batch // samples.frames,
        "kept_step": kept.step, "validation": kept.scores,
        "loss_d": round(curve.rows[-1][1], 4), "loss_g": round(curve.rows[-1][2], 4),
        "generator_parameters": count(gan.generator), "discriminator_parameters": count(gan.discriminator),
        "precision": resolved(validation.device, params.train.precision),
        "threads": torch.get_num_threads(), "processes": samples.ranks.world,
    }  # fmt: skip
    write_json(layout.metrics / "train.json", summary)


def count(network: nn.Module) -> int:
    """The number of trained values in a network."""
    return sum(parameter.numel() for parameter in network.parameters())
