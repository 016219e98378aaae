"""How a GAN in training is doing: its videos for the validation prompts, judged; and pictures of fixed latents."""

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from text2video.data.packed import PackedReader
from text2video.device import autocast
from text2video.judge import judge_clips, score
from text2video.layout import Layout
from text2video.media import contact_sheet, save_png
from text2video.params import Params
from text2video.sampling import Sampler
from text2video.text.vocabulary import Vocabulary
from text2video.training.gan import Generating
from text2video.weights import load_codec
from text2video.world.captions import parse_prompt

JUDGED = 256  # clips per validation: one standard error of the joint accuracy is 3 % at worst
SHOWN = 12  # of them in the picture
BATCH = 32


@dataclass
class Best:
    """The weights that did best so far, and what they scored."""

    step: int = 0
    scores: dict[str, float] = field(default_factory=dict)
    networks: Generating | None = None


class Validation:
    """Draws the same prompts and noise at each call, so that only the weights differ.

    The prompts are those of ``data/validation``, drawn like the training set: no held-out prompt has a say in which
    weights are kept.
    """

    names = ("shape", "colour", "motion", "joint")

    def __init__(self, params: Params, layout: Layout, vocabulary: Vocabulary, device: torch.device) -> None:
        store = PackedReader(layout.validation)
        self.prompts = store.captions[:JUDGED]
        self.requests = [parse_prompt(prompt) for prompt in self.prompts]
        self.reals = store[:SHOWN]
        self.params, self.vocabulary, self.device = params, vocabulary, device
        self.frames = store.shape[0]
        self.codec = load_codec(layout.codec, device)
        self.rows: list[tuple[Any, ...]] = []
        self.best = Best()
        self.last = 0.0

    def draw_reals(self, folder: Path) -> None:
        """Save the real clips of the shown prompts as ``reals.png``, to compare the samples with."""
        save_png(folder / "reals.png", contact_sheet(list(self.reals), self.prompts[:SHOWN]))

    def run(self, step: int, average: Generating, folder: Path) -> None:
        """Judge the averaged networks at ``step``, remember them if they are the best, and save a picture."""
        clips = self._sample(average)
        scores = score(judge_clips(clips), self.requests)
        values = {name: round(float(scores[name]["value"]), 4) for name in self.names}
        self.rows.append((step, *values.values()))
        self.last = values["joint"]
        if not self.best.networks or self.last >= self.best.scores["joint"]:
            self.best = Best(step, values, copy.deepcopy(average))
        save_png(folder / f"{step:06}.png", contact_sheet(list(clips[:SHOWN]), self.prompts[:SHOWN]))

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
