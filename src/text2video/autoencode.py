"""Training the codec, and writing every training clip in its code so that no experiment has to do it again."""

import math
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import Adam
from torch.optim.lr_scheduler import OneCycleLR

from text2video.console import Stopwatch
from text2video.data.packed import PackedReader, PackedWriter
from text2video.device import autocast, on_device, pick_device
from text2video.errors import UserError
from text2video.files import remove_leftovers, write_json, write_text
from text2video.layout import Layout
from text2video.models.codec import Codec, build_codec
from text2video.models.muon import Muon
from text2video.params import CodecParams, Params
from text2video.sheets import contact_sheet, save_png, shrink
from text2video.training.batches import Batches
from text2video.training.checkpoint import CheckpointStore, Stateful, fingerprint, require_finite
from text2video.training.ranks import Ranks, init_distributed, resumable_ranks
from text2video.training.tables import Curve
from text2video.video import to_clips, to_video
from text2video.weights import save_network

CHUNK_PIXELS = 32 * 10 * 64 * 64  # of clips that are encoded at a time
SHOWN, FRAMES = 8, 10  # clips in the picture, and frames of each
WARMUP = 0.1  # share of the steps in which the learning rate rises


def autoencode(params: Params, layout: Layout) -> None:
    """Train the codec that ``params.codec`` names on the training clips, and encode them.

    Writes ``models/codec``, ``data/latents`` and, in ``metrics``, ``autoencode.json``, ``autoencode.csv`` and
    ``codec.png``, real clips beside what the codec makes of them. Training goes on where an earlier run was stopped.
    Raises UserError when the loss is no finite number.
    """
    watch = Stopwatch()
    with init_distributed() as ranks:
        device, size = ranks.device(pick_device(params.runtime)), params.data.height_width
        clips, validation = (read_clips(path, size) for path in (layout.train, layout.validation))
        config = {"codec": params.codec.model_dump(), "size": size}
        inputs, every = [layout.train, layout.validation], params.runtime.checkpoint_every
        run = fingerprint({**config, "processes": ranks.world}, layout.root, inputs, device)
        figures, curve, picture = (layout.metrics / n for n in ("autoencode.json", "autoencode.csv", "codec.png"))
        with resumable_ranks("autoencode", layout.root, run, every, ranks) as checkpoints:
            if ranks.is_main:
                remove_leftovers(layout.codec, layout.latents, figures, curve, picture)
            torch.manual_seed(params.codec.seed)
            codec = on_device(build_codec(params.codec, size), device)
            ranks.share_statistics(codec)
            with watch("train the codec"):
                losses = train_codec(codec, clips, params, device, checkpoints, ranks)
            codec.eval()
            with watch("encode the clips"):
                write_latents(codec, clips, layout, params, device, ranks)
            if not ranks.is_main:
                return
            with watch("measure the codec"):
                error = reconstruction_error(codec, validation, params.codec, device)
                pairs = comparison(codec, validation, params.codec, device)
            save_network(layout.codec, {"codec": codec}, config)
            write_json(figures, {"reconstruction_error": error, "steps": losses.steps})
            write_text(curve, losses.text())
            save_png(picture, pairs)
    watch.report()


def read_clips(path: Path, size: tuple[int, int]) -> PackedReader:
    """Open a store of clips of ``size`` (height, width). Raises UserError when there is none, or it is empty or
    damaged.

    All of it is read once: damage should not be found after minutes, when a clip happens to be needed.
    """
    clips = PackedReader(path)
    if not len(clips) or clips.dtype != np.uint8 or clips.shape[1:] != (*size, 3):
        found = f"{len(clips)} items of {clips.dtype}{list(clips.shape)}"
        raise UserError(
            f"{path} holds {found}, not clips of {size[1]}x{size[0]} pixels; run the stage synthesize again"
        )
    clips.check()
    return clips


def train_codec(
    codec: Codec, clips: PackedReader, params: Params, device: torch.device, checkpoints: CheckpointStore, ranks: Ranks
) -> Curve:  # fmt: skip
    """Fit the codec to single frames; loss: squared error + 0.2 absolute error. Returns the curve of the loss."""
    own = params.codec
    if not list(codec.parameters()):
        return Curve(0)
    optimizers = build_optimizers(codec, own)
    schedules = {
        name: OneCycleLR(
            one, own.lr, total_steps=own.steps + 1, pct_start=WARMUP, cycle_momentum=own.optimizer == "adam"
        )
        for name, one in optimizers.items()
    }
    batches = RandomFrames(clips, own, codec.latent_shape, ranks)
    losses = Curve(own.steps, most=500)
    parts: dict[str, Stateful] = {"codec": codec, **optimizers, "losses": losses}
    parts |= {f"schedule of {name}": schedule for name, schedule in schedules.items()}
    start = checkpoints.restore(parts, own.steps)
    with ranks.progress("autoencode", own.steps, every=params.runtime.log_every, start=start) as progress:
        for step in checkpoints.steps(start, own.steps):
            frames, noise = (values.to(device) for values in batches[step])
            with autocast(device, own.precision):
                decoded = codec(frames, noise)
            local = F.mse_loss(decoded.float(), frames) + 0.2 * F.l1_loss(decoded.float(), frames)
            loss = ranks.mean(local.detach().clone())
            require_finite(loss, step, "codec.lr")
            codec.zero_grad(set_to_none=True)
            local.backward()
            ranks.average_gradients(codec.parameters())
            for name, optimizer in optimizers.items():
                optimizer.step()
                schedules[name].step()
            losses.add(step + 1, {"loss": loss.item()})
            progress.update(step + 1, loss=loss.item())
    return losses


def build_optimizers(codec: Codec, params: CodecParams) -> dict[str, torch.optim.Optimizer]:
    """Adam for all weights (OneCycleLR cycles beta1); if ``optimizer`` is muon, Muon for kernels, Adam for biases."""
    adam = partial(Adam, lr=params.lr, betas=(0.9, 0.99), fused=True)
    if params.optimizer == "adam":
        return {"weights": adam(codec.parameters())}
    kernels = [weight for weight in codec.parameters() if weight.ndim == 4]
    biases = [weight for weight in codec.parameters() if weight.ndim < 4]
    return {"kernels": Muon(kernels, params.lr), "biases": adam(biases)}


class RandomFrames:
    """One batch of frames per step, and noise for their codes: a few frames of every clip that is unpacked."""

    def __init__(
        self, clips: PackedReader, params: CodecParams, latent_shape: tuple[int, int, int], ranks: Ranks
    ) -> None:
        self.clips, self.seed, self.latent_shape, self.ranks = clips, params.seed, latent_shape, ranks
        self.per_clip = min(4, clips.shape[0], params.batch)  # unpacking a clip for one would waste the rest
        self.batches = Batches(len(clips), max(params.batch // self.per_clip, 1), params.seed)

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        """Frames ``float[B, 1, 3, H, W]`` and standard normal noise ``float[B, 1, *latent_shape]``: this rank's share.

        All of it follows from the number of the step.
        """
        rng = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
        chosen = self.batches[step].numpy()
        order = torch.rand(len(chosen), self.clips.shape[0], generator=rng).argsort(1)
        noise = torch.randn(len(chosen), self.per_clip, *self.latent_shape, generator=rng)
        share = self.ranks.share(len(chosen), "the clips of a batch (codec.batch)")
        which = order[share, : self.per_clip].numpy()
        frames = self.clips[chosen[share]][np.arange(len(which))[:, None], which]
        return to_video(frames.reshape(-1, 1, *self.clips.shape[1:])), noise[share].flatten(0, 1)[:, None]


def clips_at_once(clips: PackedReader) -> int:
    """How many clips are encoded at a time."""
    return max(CHUNK_PIXELS // math.prod(clips.shape[:3]), 1)


@torch.no_grad()
def write_latents(
    codec: Codec, clips: PackedReader, layout: Layout, params: Params, device: torch.device, ranks: Ranks
) -> None:  # fmt: skip
    """Encode all clips to ``data/latents``: float16 of ``[T, C, h, w]`` each, captions along with them.

    Each process encodes its share; the main one writes.
    """
    writer = PackedWriter(layout.latents, (clips.shape[0], *codec.latent_shape), np.float16, clips.fps)
    written = 0
    with (
        writer if ranks.is_main else nullcontext(),
        ranks.progress("encode", len(clips), "clips", every=params.runtime.log_every) as progress,
    ):
        chunk_size = clips_at_once(clips)
        for start in range(ranks.rank * chunk_size, len(clips) + ranks.rank * chunk_size, ranks.world * chunk_size):
            chunk = None
            if start < len(clips):
                with autocast(device, params.codec.precision):
                    latents = codec.encode(to_video(clips[start : start + chunk_size], device))
                chunk = latents.half().cpu().numpy()
            for part in ranks.gather(chunk):
                if part is not None:
                    writer.append(part, clips.captions[written : written + len(part)])
                    written += len(part)
            progress.update(written)


@torch.no_grad()
def reconstruction_error(codec: Codec, clips: PackedReader, params: CodecParams, device: torch.device) -> float:
    """Mean absolute error of clips through the codec and back, in grey levels of 0..255."""
    total, chunk = 0.0, clips_at_once(clips)
    for start in range(0, len(clips), chunk):
        video = to_video(clips[start : start + chunk], device)
        with autocast(device, params.precision):
            decoded = codec.decode(codec.encode(video)).float().clamp(-1, 1)
        total += (decoded - video).abs().mean(dim=(1, 2, 3, 4)).sum().item()
    return round(127.5 * total / max(len(clips), 1), 4)


@torch.no_grad()
def comparison(codec: Codec, clips: PackedReader, params: CodecParams, device: torch.device) -> np.ndarray:
    """Film strips of the first clips, left, and of what the codec makes of them, right: a picture uint8[H, W, 3]."""
    real = clips[:SHOWN]
    with autocast(device, params.precision):
        decoded = to_clips(codec.decode(codec.encode(to_video(real, device))))
    pairs = [shrink(clip, max(clip.shape[1:3]), FRAMES) for pair in zip(real, decoded, strict=True) for clip in pair]
    captions = [text for caption in clips.captions[:SHOWN] for text in (caption, "through the codec")]
    return contact_sheet(pairs, captions, columns=2)
