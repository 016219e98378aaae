"""How a GAN in training is doing: its videos for the validation prompts, judged; and pictures of fixed latents."""

import copy
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from text2video.data.packed import PackedReader
from text2video.device import autocast
from text2video.files import atomic_write, write_text
from text2video.judge import judge_clips, score
from text2video.layout import Layout
from text2video.media import contact_sheet, save_png
from text2video.models.codec import Codec
from text2video.params import Params
from text2video.sampling import Sampler
from text2video.text.vocabulary import Vocabulary
from text2video.training.gan import Generating
from text2video.training.tables import table
from text2video.world.captions import parse_prompt

JUDGED = 256  # clips per validation: one standard error of the joint accuracy is 3 % at worst, 1 % at 97 %
CHANCE = 0.02  # of the joint accuracy: by so much, one of two equally good weights may look better
SHOWN = 12  # of them in the picture
BATCH = 32


@dataclass
class Kept:
    """The newest weights that are about as good as the best so far, ``highest``; after how many steps, and what they
    scored: nothing yet, before any did."""

    step: int
    scores: dict[str, float]
    highest: float
    networks: Generating


class Validation:
    """Draws the same prompts and noise at each call, so that only the weights differ.

    The prompts are those of ``data/validation``, drawn like the training set: no held-out prompt has a say in which
    weights are kept.
    """

    names = ("shape", "colour", "motion", "joint")

    def __init__(
        self, params: Params, layout: Layout, vocabulary: Vocabulary, codec: Codec, device: torch.device,
        average: Generating,
    ) -> None:  # fmt: skip
        store = PackedReader(layout.validation)
        self.prompts = store.captions[:JUDGED]
        self.requests = [parse_prompt(prompt) for prompt in self.prompts]
        self.params, self.vocabulary, self.device = params, vocabulary, device
        self.frames = store.shape[0]
        self.codec = codec
        self.folder = layout.metrics / "samples"
        self.curve = layout.metrics / "validation.csv"
        self.rows: list[tuple[Any, ...]] = []
        self.pictures: dict[int, bytes] = {}  # by step, as PNG
        self.kept = Kept(0, {}, 0.0, copy.deepcopy(average))
        self.last = 0.0
        shutil.rmtree(self.folder, ignore_errors=True)  # pictures of an earlier run are not this one's
        # In a folder of its own: DVC sorts the pictures of one folder by number, and fails at a name without one.
        save_png(self.folder / "real" / "clips.png", contact_sheet(list(store[:SHOWN]), self.prompts[:SHOWN]))

    def run(self, step: int, average: Generating, eligible: bool = True) -> None:
        """Judge the averaged networks at ``step``, add to curve and pictures; keep them if none was clearly better.

        What no validation asks for, to move straight, is learned to the end: so of two that are equal but for chance
        the newer is kept, and none that is not ``eligible``, when it is only about to be learned.
        """
        clips = self._sample(average)
        scores = score(judge_clips(clips), self.requests)
        values = {name: round(float(scores[name]["value"]), 4) for name in self.names}
        self.rows.append((step, *values.values()))
        self.last = values["joint"]
        if eligible and self.last >= self.kept.highest - CHANCE:
            values["smoothness_px"] = scores["smoothness_px"]["mean"]
            self.kept = Kept(step, values, max(self.last, self.kept.highest), copy.deepcopy(average))
        write_text(self.curve, table(["step", *self.names], self.rows))
        save_png(self._picture(step), contact_sheet(list(clips[:SHOWN]), self.prompts[:SHOWN]))
        self.pictures[step] = self._picture(step).read_bytes()

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of it: the pictures too, for DVC removes them before a stage goes on."""
        networks = {name: network.state_dict() for name, network in vars(self.kept.networks).items()}
        kept = {**vars(self.kept), "networks": networks}
        return {"rows": self.rows, "last": self.last, "kept": kept, "pictures": self.pictures}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what a checkpoint kept; put curve and pictures back."""
        self.rows, self.last, self.pictures = state["rows"], state["last"], state["pictures"]
        for name, network in vars(self.kept.networks).items():
            network.load_state_dict(state["kept"]["networks"][name])
        self.kept = Kept(**{**state["kept"], "networks": self.kept.networks})
        write_text(self.curve, table(["step", *self.names], self.rows))
        for step, picture in self.pictures.items():
            with atomic_write(self._picture(step)) as file:
                file.write(picture)

    def _picture(self, step: int) -> Path:
        return self.folder / f"{step:06}.png"

    def _sample(self, average: Generating) -> np.ndarray:
        sampler = Sampler(
            average.generator,
            average.text_encoder,
            self.codec,
            self.vocabulary,
            self.frames,
            self.device,
        )
        noise = sampler.noise(self.prompts, self.params.train.seed, range(len(self.prompts)))
        with autocast(self.device, self.params.train.precision):
            parts = [
                sampler.clips(self.prompts[start : start + BATCH], noise[start : start + BATCH])
                for start in range(0, len(self.prompts), BATCH)
            ]
        return np.concatenate(parts)
