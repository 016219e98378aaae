"""One model trained by several processes: the result is that of one, and it can be stopped as well."""

import csv
import os
import re
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny import ROOT, held_at_checkpoint
from victims import Victim, change, copy_inputs, errors, make_world, run

from text2video.data.packed import PackedReader
from text2video.errors import UserError
from text2video.params import model_kinds
from text2video.training.ranks import Ranks

TORCHRUN = (
    sys.executable,
    "-m",
    "torch.distributed.run",
    "--standalone",
    "--nproc-per-node",
    "2",
    "-m",
    "stages.train",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiny clips and their latents, in which the stage train can be run."""
    world = make_world(tmp_path_factory.mktemp("ranks") / "world")
    assert not errors(run("autoencode", world))
    change(world, "train", epochs=3, precision="fp32", lr=1e-4)
    return world


def be_rank(rank: int, port: int) -> None:
    """Be one of two processes, as torchrun starts them."""
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))


def together(stage: str, root: Path) -> str:
    """Let two processes do a stage in ``root``. Returns what they print."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pair = [Victim(stage, root, partial(be_rank, rank, port)) for rank in range(2)]
    try:
        codes = [victim.wait(300) for victim in pair]
    finally:
        for victim in pair:
            victim.kill()  # one that waits for the other would wait for half an hour
    said = "\n".join(line for victim in pair for line in victim.said())
    assert codes == [0, 0], said
    return said


def losses(root: Path) -> list[float]:
    """All losses of every step."""
    with open(root / "metrics" / "train.csv") as file:
        return [float(row[name]) for row in csv.DictReader(file) for name in row if name != "step"]


@pytest.mark.parametrize("kind", model_kinds())
def test_two_processes_train_what_one_would_have_trained(world: Path, tmp_path: Path, kind: str) -> None:
    """Each on half of every batch: the same losses and weights within rounding, and one set of files."""
    change(world, "model", kind=kind)
    alone, pair = (copy_inputs(world, tmp_path / name, "train") for name in ("alone", "pair"))
    assert not errors(run("train", alone))
    assert together("train", pair).count("steps are few to learn from") == 1
    assert losses(pair) == pytest.approx(losses(alone), abs=2e-3)
    one, two = (load_file(root / "models" / "trained" / "model.safetensors") for root in (alone, pair))
    drawing = [name for name in one if not name.startswith("discriminator")]  # Adam makes steps of its rounding
    assert all(torch.allclose(one[name], two[name], atol=2e-4) for name in drawing)
    assert not list(pair.glob(".scratch/*/*"))


def test_two_processes_make_the_codec_that_one_would_have_made(world: Path, tmp_path: Path) -> None:
    """Each with half of every batch, normalised by the whole of it, and half of the clips to encode."""
    alone, pair = (copy_inputs(world, tmp_path / name, "autoencode") for name in ("alone", "pair"))
    for root in (alone, pair):
        change(root, "codec", precision="fp32", lr=1e-4)
    assert not errors(run("autoencode", alone))
    together("autoencode", pair)
    name = "models/codec/codec.safetensors"
    one, two = load_file(alone / name), load_file(pair / name)
    assert any("running_var" in name for name in one)
    # A bias before a normalisation has no gradient but rounding, which Adam makes a step; the mean takes it off again.
    last = max(int(name.split(".")[1]) for name in one if "encoder" in name and "running_mean" in name)
    free = {f"encoder.{last - 1}.bias", f"encoder.{last}.running_mean"}
    assert free < set(one)
    assert all(torch.allclose(one[name], two[name], atol=2e-4) for name in set(one) - free)
    mine, ours = (PackedReader(root / "data" / "latents") for root in (alone, pair))
    assert mine.captions == ours.captions
    np.testing.assert_allclose(mine[:].astype("f4"), ours[:].astype("f4"), atol=0.005)
    assert not list(pair.glob(".scratch/*/*"))


def test_two_processes_that_are_stopped_go_on(world: Path, tmp_path: Path) -> None:
    """SIGTERM: the leader saves, the other one goes with it; the next two go on from there to the same end."""
    change(world, "model", kind="video_gan")
    calm, root = (copy_inputs(world, tmp_path / name, "train") for name in ("calm", "stopped"))
    change(root, "runtime", checkpoint_every=0.001)
    together("train", calm)
    gate, log, command = tmp_path / "gate", tmp_path / "said", [*TORCHRUN, "--root", root]
    gate.touch()
    with open(log, "w") as said:
        first = subprocess.Popen(command, cwd=ROOT, env=held_at_checkpoint(dict(os.environ), gate), stderr=said)
    while not list(root.glob(".scratch/*/checkpoint")):
        assert first.poll() is None, log.read_text()
        time.sleep(0.01)
    first.send_signal(signal.SIGTERM)
    while log.read_text().count("closing signal SIGTERM") < 2:  # the leader is the first that torchrun tells
        assert first.poll() is None, log.read_text()
        time.sleep(0.01)
    gate.unlink()
    assert first.wait(300) != 0
    (step,) = re.findall(r"stopped at step (\d+) of", log.read_text())
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert second.returncode == 0, second.stderr
    assert f"going on from step {step} of" in second.stderr
    name = "models/trained/model.safetensors"
    assert (root / name).read_bytes() == (calm / name).read_bytes()


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    """Uneven shares would weigh some clips more than others."""
    with pytest.raises(UserError, match=r"train\.batch: 5 .* 2 processes"):
        Ranks(1, 2).share(5)
    assert Ranks(1, 2).share(6) == slice(3, 6)
