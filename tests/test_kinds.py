"""A new kind of model: one file, one section of parameters and one line that names it."""

import sys
from pathlib import Path

from tiny import make_repository, tiny_params, write_params

MODEL = '''"""One still picture for each word."""

import torch
from torch import Tensor, nn

from text2video.models.base import Batch, Spec, Update, VideoModel


class Still(VideoModel):
    """Mean latents, linear in the text."""

    def __init__(self, params, spec: Spec) -> None:
        super().__init__()
        self.frames, self.shape = spec.frames, spec.latent_shape
        self.text_encoder = spec.text_encoder()
        self.layer = nn.Linear(spec.text_dim, self.shape[0] * self.shape[1] * self.shape[2])
        self.strength = params.strength

    def optimizers(self, lr: float):
        return {"all": torch.optim.SGD(self.parameters(), lr=lr)}

    def forward(self, prompts) -> Tensor:
        latents = self.strength * self.layer(self.text_encoder(prompts).pooled)
        return latents.view(-1, 1, *self.shape).expand(-1, self.frames, -1, -1, -1)

    def training_step(self, batch: Batch, codec, update: Update):
        loss = (self(batch.prompts) - batch.latents).square().mean()
        update("all", loss)
        return {"loss": loss}

    def noise_shape(self):
        return (1,)

    def sample(self, noise, prompts, codec, options=None) -> Tensor:
        return codec.decode(self(prompts)).clamp(-1, 1)
'''
SECTION = '''class StillParams(KindParams):
    """One still picture."""

    strength: float


class TrainParams(Section):'''


# All stages up to the exported model in one process; the training is stopped by a signal, and goes on.
WORK = """
import os, signal
from stages import autoencode, export, index, synthesize, train
from text2video import console
from text2video.errors import Stopped

update = console.Progress.update


def stop_at_three(progress, done, **values):
    update(progress, done, **values)
    if done == 3:
        os.kill(os.getpid(), signal.SIGTERM)


for stage in (synthesize, index, autoencode):
    stage.main()
console.Progress.update = stop_at_three
try:
    train.main()
except Stopped as stopped:
    print(stopped)
console.Progress.update = update
train.main()
export.main()
"""


def add_kind(folder: Path) -> None:
    """What a person writes who adds the kind ``still``."""
    source = folder / "src" / "text2video"
    (source / "models" / "still.py").write_text(MODEL)
    for path, old, new in (
        (source / "models" / "kinds.py", "KINDS = {", 'KINDS = {\n    "still": "text2video.models.still:Still",'),
        (source / "params.py", "class TrainParams(Section):", SECTION),
        (source / "params.py", "    train: TrainParams\n", "    still: StillParams\n    train: TrainParams\n"),
    ):  # fmt: skip
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))


def test_a_kind_is_one_file_one_section_and_one_line(tmp_path: Path) -> None:
    """It is trained, stopped and resumed, exported and drawn from; what others need is neither asked for nor said."""
    repository = make_repository(tmp_path / "repository")
    add_kind(repository.folder)
    page = tiny_params(model={"kind": "still"}, train={"epochs": 3}, export={"candidates": 3})
    page["still"] = {"strength": 1.0}
    write_params(repository.folder / "params.yaml", page)
    done = repository.run(sys.executable, "-c", WORK)
    assert "stopped at step 3 of" in done.stdout
    assert "going on from step 3 of" in done.stderr
    assert (repository.folder / "metrics" / "train.csv").read_text().startswith("step,loss\n")
    out = tmp_path / "videos"
    repository.run(sys.executable, "-m", "text2video", "generate", "a red circle moving up", "--out", out)
    assert (out / "manifest.json").is_file()
    page["still"]["mismatch"] = 1.0
    write_params(repository.folder / "params.yaml", page)
    assert "unknown key still.mismatch" in repository.stage("train", code=2)
