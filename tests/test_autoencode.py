"""The codec's training: that either optimizer learns."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import tiny_params, write_params

from stages import autoencode, index, synthesize
from text2video.autoencode import clips_at_once
from text2video.data.packed import PackedReader, PackedWriter


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_the_codec_learns_with_either_optimizer(optimizer: str, tmp_path: Path) -> None:
    """The loss falls to a quarter."""
    codec = {"optimizer": optimizer, "steps": 150, "width": 16, "lr": 5e-3}
    write_params(tmp_path / "params.yaml", tiny_params(codec=codec))
    for stage in (synthesize, index, autoencode):
        stage.main(tmp_path)
    losses = [float(row["loss"]) for row in csv.DictReader((tmp_path / "metrics" / "autoencode.csv").open())]
    assert losses[-1] < losses[0] / 4
    picture = np.asarray(Image.open(tmp_path / "metrics" / "codec.png").convert("L"), float)
    real, decoded = np.split(picture[:, : picture.shape[1] // 2 * 2], 2, axis=1)
    assert 0 < np.abs(real - decoded).mean() < 16, "beside each other, and alike"


def test_large_clips_are_encoded_one_by_one(tmp_path: Path) -> None:
    """Protects the memory: 32 clips of 64 pixels fill it as one of 256 pixels and 20 frames does."""
    for size, frames, together in ((64, 10, 32), (256, 20, 1), (512, 64, 1), (16, 4, 1280)):
        with PackedWriter(tmp_path / str(size), (frames, size, size, 3), np.uint8, 10) as writer:
            writer.append(np.zeros((1, frames, size, size, 3), np.uint8), ["black"])
        assert clips_at_once(PackedReader(tmp_path / str(size))) == together
