"""Training the codec, and writing every training clip in its code so that no GAN experiment has to do it again."""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from text2video.console import Progress, Stopwatch
from text2video.data.packed import PackedReader, PackedWriter
from text2video.device import autocast, on_device, pick_device
from text2video.files import write_json, write_text
from text2video.layout import Layout
from text2video.models.codec import Codec, build_codec
from text2video.params import CodecParams, Params, RuntimeParams
from text2video.training.batches import Batches
from text2video.training.tables import table
from text2video.video import to_video
from text2video.weights import save_network

CHUNK = 32  # clips encoded at a time


def autoencode(params: Params, layout: Layout) -> None:
    """Train the codec that ``params.codec`` names on the training clips, and encode them.

    Writes ``models/codec``, ``data/latents``, ``metrics/autoencode.json`` and ``metrics/autoencode.csv``.
    """
    watch = Stopwatch()
    device = pick_device(params.runtime)
    clips = PackedReader(layout.train)
    torch.manual_seed(params.codec.seed)
    codec = on_device(build_codec(params.codec, params.data.size), device)
    with watch("train the codec"):
        losses = train_codec(codec, clips, params.codec, params.runtime, device)
    codec.eval()
    with watch("encode the clips"):
        write_latents(codec, clips, layout, params.codec, params.runtime, device)
    with watch("measure the codec"):
        error = reconstruction_error(codec, PackedReader(layout.validation), params.codec, device)
    save_network(
        layout.codec, {"codec": codec}, {"codec": params.codec.model_dump(), "size": params.data.size}
    )
    write_json(layout.metrics / "autoencode.json", {"reconstruction_error": error, "steps": len(losses)})
    write_text(layout.metrics / "autoencode.csv", loss_table(losses))
    watch.report()


def train_codec(
    codec: Codec, clips: PackedReader, params: CodecParams, runtime: RuntimeParams, device: torch.device
) -> list[float]:
    """Fit the codec to single frames by squared plus a little absolute error. Returns the loss of each step."""
    if not list(codec.parameters()):
        return []
    optimizer = torch.optim.Adam(codec.parameters(), lr=params.lr, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, params.lr, total_steps=params.steps + 1, pct_start=0.1
    )
    losses = []
    with Progress("autoencode", params.steps, every=runtime.log_every) as progress:
        for step, batch in enumerate(random_frames(clips, params)):
            frames = batch.to(device)
            with autocast(device, params.precision):
                decoded = codec(frames)
            loss = F.mse_loss(decoded.float(), frames) + 0.2 * F.l1_loss(decoded.float(), frames)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            progress.update(step + 1, loss=losses[-1])
    return losses


def random_frames(clips: PackedReader, params: CodecParams) -> Iterator[Tensor]:
    """One batch of frames per step, ``float[batch, 1, 3, H, W]``: a few frames of every clip that is unpacked."""
    frames = clips.shape[0]
    per_clip = min(4, frames, params.batch)  # unpacking a clip for one frame of it would waste the rest
    batches = Batches(len(clips), max(params.batch // per_clip, 1), params.seed)
    for step in range(params.steps):
        chosen = batches[step].numpy()
        generator = torch.Generator().manual_seed(params.seed * 1_000_003 + step)
        which = torch.rand(len(chosen), frames, generator=generator).argsort(1)[:, :per_clip].numpy()
        yield to_video(clips[chosen][np.arange(len(chosen))[:, None], which].reshape(-1, 1, *clips.shape[1:]))


@torch.no_grad()
def write_latents(
    codec: Codec, clips: PackedReader, layout: Layout, params: CodecParams, runtime: RuntimeParams, device: torch.device
) -> None:  # fmt: skip
    """Encode all clips to ``data/latents``: float16 of ``[T, C, h, w]`` each, captions along with them."""
    shape = (clips.shape[0], *codec.latent_shape)
    with (
        PackedWriter(layout.latents, shape, np.float16, clips.fps) as writer,
        Progress("encode", len(clips), "clips", every=runtime.log_every) as progress,
    ):
        for start in range(0, len(clips), CHUNK):
            with autocast(device, params.precision):
                latents = codec.encode(to_video(clips[start : start + CHUNK], device))
            writer.append(latents.half().cpu().numpy(), clips.captions[start : start + CHUNK])
            progress.update(min(start + CHUNK, len(clips)))


@torch.no_grad()
def reconstruction_error(
    codec: Codec, clips: PackedReader, params: CodecParams, device: torch.device
) -> float:
    """Mean absolute error of clips through the codec and back, in grey levels of 0..255."""
    total = 0.0
    for start in range(0, len(clips), CHUNK):
        video = to_video(clips[start : start + CHUNK], device)
        with autocast(device, params.precision):
            decoded = codec.decode(codec.encode(video)).float().clamp(-1, 1)
        total += (decoded - video).abs().mean(dim=(1, 2, 3, 4)).sum().item()
    return round(127.5 * total / max(len(clips), 1), 4)


def loss_table(losses: list[float]) -> str:
    """The losses as CSV, averaged over stretches so that there are at most 500 rows."""
    stretch = max(len(losses) // 500, 1)
    ends = range(stretch, len(losses) + 1, stretch)
    return table(["step", "loss"], [(end, float(np.mean(losses[end - stretch : end]))) for end in ends])
