"""Pictures of what a model in training draws: the same prompts and noise at each time, real clips beside them."""

from pathlib import Path
from typing import Any

import torch

from text2video.data.packed import PackedReader
from text2video.device import autocast
from text2video.files import atomic_write
from text2video.models.base import draw_noise
from text2video.sheets import contact_sheet, save_png
from text2video.text.prompts import TextFrontend
from text2video.training.trainer import Trainer
from text2video.video import to_clips

SHOWN = 12  # clips in a picture


class SamplePictures:
    """Writes ``{step}.png`` into a folder: film strips of real validation clips, left, and the model's, right.

    They are for the eye: nothing is measured, and nothing is chosen by them.
    """

    def __init__(self, folder: Path, validation: PackedReader, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.real, self.prompts = list(validation[:SHOWN]), validation.captions[:SHOWN]
        self.pictures: dict[int, bytes] = {}  # by step, as PNG

    @torch.no_grad()
    def write(self, step: int, trainer: Trainer, frontend: TextFrontend, device: torch.device) -> None:
        """Draw the prompts with the trainer's averaged model and add the picture of ``step``."""
        model = trainer.average
        texts, shape = map(frontend.canonical, self.prompts), model.noise_shape()
        noise = torch.stack([draw_noise(shape, text, self.seed, number) for number, text in enumerate(texts)])
        with autocast(device, trainer.params.precision):
            videos = model.sample(noise.to(device), frontend.encode(self.prompts).to(device), trainer.codec)
        clips = to_clips(videos)
        pairs = [clip for pair in zip(self.real, clips, strict=True) for clip in pair]
        captions = [text for prompt in self.prompts for text in (f"real: {prompt}", prompt)]
        path = self.folder / f"{step}.png"
        save_png(path, contact_sheet(pairs, captions, columns=2))
        self.pictures[step] = path.read_bytes()

    def state_dict(self) -> dict[str, Any]:
        """The pictures: DVC removes them before a stopped stage goes on."""
        return {"pictures": self.pictures}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the pictures over and write them again."""
        self.pictures = state["pictures"]
        for step, picture in self.pictures.items():
            with atomic_write(self.folder / f"{step}.png") as file:
                file.write(picture)
