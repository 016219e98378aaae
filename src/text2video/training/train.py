"""Stage ``train``: the loop that fits a model of any kind to latents and captions."""

import math
import shutil

import torch

from text2video.console import Stopwatch, note
from text2video.data.packed import PackedReader
from text2video.device import autocast, on_device, pick_device, resolved
from text2video.errors import UserError
from text2video.files import remove_leftovers, write_json, write_text
from text2video.layout import Layout
from text2video.models.base import Spec
from text2video.models.kinds import kind_class
from text2video.params import Params
from text2video.text.encoder import build_text_encoder
from text2video.text.kinds import load_text
from text2video.training.captions import CaptionCache
from text2video.training.checkpoint import CheckpointStore, RNGState, Stateful, fingerprint
from text2video.training.dataset import TrainingSet
from text2video.training.ranks import Ranks, init_distributed, resumable_ranks
from text2video.training.samples import SamplePictures
from text2video.training.tables import Curve
from text2video.training.trainer import Trainer
from text2video.weights import load_codec, save_network

EXAMPLES = 5  # training captions that an exported model is described by
FEW_STEPS = 1000  # with fewer, no model here learns much


def train(params: Params, layout: Layout) -> None:
    """Train the model that ``params.model`` names on ``data/latents``, and keep the moving average of its weights.

    Writes ``models/trained`` and, under ``metrics``, ``train.json``; while it goes, ``train.csv`` and ``samples/``.
    Goes on where an earlier run was stopped. Raises UserError when a loss is no finite number.
    """
    watch = Stopwatch()
    with init_distributed() as ranks:
        device = ranks.device(pick_device(params.runtime))
        names = ("text", "model", params.model.kind, "train")
        config = {name: getattr(params, name).model_dump() for name in names} | {"processes": ranks.world}
        kind_class(params.model.kind)  # loaded now, because the fingerprint is made of the loaded code, too
        run = fingerprint(config, layout.root, [layout.latents, layout.text, layout.validation, layout.codec], device)
        with resumable_ranks("train", layout.root, run, params.runtime.checkpoint_every, ranks) as checkpoints:
            if ranks.is_main:
                remove_leftovers(layout.model, *(layout.metrics / name for name in ("train.json", "train.csv")))
            training = Training(params, layout, device, ranks)
            curve = training.run(checkpoints, watch)
            if ranks.is_main:
                training.save(curve)
                watch.report()


class Training:
    """One run: data, model, trainer and sample pictures."""

    def __init__(self, params: Params, layout: Layout, device: torch.device, ranks: Ranks) -> None:
        self.params, self.layout, self.device, self.ranks = params, layout, device, ranks
        self.latents, validation = PackedReader(layout.latents), PackedReader(layout.validation)
        self.frontend, codec = load_text(layout.text), load_codec(layout.codec, device)
        if self.latents.shape != (validation.shape[0], *codec.latent_shape):
            fault = f"{layout.latents} is of another shape than {layout.codec} and {layout.validation}"
            raise UserError(f"{fault}; run the stage autoencode again")
        text = params.text
        spec = Spec(codec.latent_shape, validation.shape[0], lambda: build_text_encoder(self.frontend, text), text.dim)
        torch.manual_seed(params.train.seed)
        model = on_device(kind_class(params.model.kind)(params.own, spec), device)
        self.data = TrainingSet(
            self.latents, CaptionCache(layout.text), params.train.batch, params.train.seed, model.frames_per_sample,
            params.text.word_dropout, ranks,
        )  # fmt: skip
        self.steps = max(math.ceil(params.train.epochs * self.data.batches.per_epoch), 1)
        self.trainer = Trainer(model, codec, params.train, self.steps, ranks)
        self.pictures = SamplePictures(layout.metrics / "samples", validation, params.train.seed)

    def run(self, checkpoints: CheckpointStore, watch: Stopwatch) -> Curve:
        """All steps that are left. Returns the curves of the losses."""
        params, trainer, rng = self.params, self.trainer, torch.Generator().manual_seed(self.params.train.seed)
        curve = Curve(self.steps)
        state: dict[str, Stateful] = {**trainer.state(), "curve": curve, "rng": RNGState(rng)}
        if self.ranks.is_main:
            shutil.rmtree(self.pictures.folder, ignore_errors=True)  # of an earlier run
            state["pictures"] = self.pictures
        start = checkpoints.restore(state, self.steps)
        pause = max(round(params.train.sample_every * self.data.batches.per_epoch), 1)
        clips = self.data.batches.batch if self.data.parts == 1 else None
        if self.steps < FEW_STEPS and self.ranks.is_main:
            note(f"{self.steps} steps are few to learn from; raise train.epochs and, with it, train.sample_every")
        with self.ranks.progress(
            "train", self.steps, every=params.runtime.log_every, batch=clips, start=start
        ) as progress:
            for step in checkpoints.steps(start, self.steps):
                with watch("read"):
                    batch = self.data.batch(step, step / self.steps, rng, self.device)
                with watch("step"), autocast(self.device, params.train.precision):
                    losses = trainer.step(batch)
                curve.add(step + 1, losses)
                if self.ranks.is_main and ((step + 1) % pause == 0 or step + 1 == self.steps):
                    with watch("samples"):
                        self.pictures.write(step + 1, trainer, self.frontend, self.device)
                    write_text(self.layout.metrics / "train.csv", curve.text())
                progress.update(step + 1, **losses)
        return curve

    def save(self, curve: Curve) -> None:
        """Write the averaged model, the curves of the losses and the summary."""
        params, (frames, *latent_shape) = self.params, self.latents.shape
        config = {
            "kind": params.model.kind, "model": params.own.model_dump(), "text": params.text.model_dump(),
            "frames": frames, "latent_shape": latent_shape, "fps": int(self.latents.fps),
            "examples": list(dict.fromkeys(self.latents.captions))[:EXAMPLES],
        }  # fmt: skip
        save_network(self.layout.model, {"model": self.trainer.average}, config)
        write_text(self.layout.metrics / "train.csv", curve.text())
        summary = {
            "steps": self.steps, "clips_seen": self.steps * self.data.batches.batch // self.data.parts,
            **{name: round(value, 4) for name, value in curve.last().items()},
            "parameters": sum(weight.numel() for weight in self.trainer.model.parameters()),
            "precision": resolved(self.device, params.train.precision),
            "threads": torch.get_num_threads(), "processes": self.ranks.world,
        }  # fmt: skip
        write_json(self.layout.metrics / "train.json", summary)
