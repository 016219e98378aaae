"""Stages as processes that can be harmed, forked from one that has loaded torch, so that each starts at once."""

import importlib
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from tiny import ROOT, tiny_params, write_params

from stages import autoencode, export, index, synthesize, train
from text2video import bundle, console
from text2video.training import autoencoder as autoencoder_module
from text2video.training import train as train_module

torch.optim.Adam([torch.zeros(1, requires_grad=True)])  # the first optimizer of a process takes seconds

# A run is known by the code that is loaded, so each child has the same, whatever the tests import. (They import no more.)
PRELOADED = (autoencode, train, export, bundle, autoencoder_module, train_module)
INPUTS = {
    "synthesize": [],
    "index": ["data/train"],
    "autoencode": ["data/train", "data/validation"],
    "train": ["data/latents", "data/validation", "data/vocabulary.json", "models/codec"],
    "export": [
        "models/codec", "models/gan", "data/vocabulary.json", "metrics/autoencode.json", "metrics/train.json"
    ],
}  # fmt: skip
Harm = Callable[[], None]


def make_world(root: Path, **sections: dict) -> Path:
    """A pipeline folder with tiny clips and their vocabulary, and params that save every step. Returns it."""
    page = tiny_params(
        data={"train_clips": 32, "validation_clips": 6, "test_clips": 0, "prompt_clips": 1},
        codec={"steps": 12},
        train={"epochs": 6, "batch": 16, "validate_every": 2},
        runtime={"checkpoint_every": 0.001},
    )
    for section, values in sections.items():
        page[section].update(values)
    write_params(root / "params.yaml", page)
    synthesize.main(root)
    index.main(root)
    return root


def copy_inputs(world: Path, root: Path, stage: str) -> Path:
    """A new folder ``root`` with what a stage needs, out of ``world``. Returns it."""
    for name in ["params.yaml", *INPUTS[stage]]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        source = world / name
        shutil.copytree(source, root / name) if source.is_dir() else shutil.copy(source, root / name)
    return root


def contents(root: Path) -> dict[str, bytes]:
    """Every file in a folder, hidden ones too, by its path."""
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


class Victim:
    """A stage at work in a process of its own; ``harm`` is called in that process first."""

    def __init__(self, stage: str, root: Path, harm: Harm | None = None) -> None:
        self.log = root.with_name(f"{root.name}.{time.monotonic_ns()}.log")
        self.process = _forkserver().Process(target=_live, args=(stage, root, self.log, harm))
        self.process.start()

    def wait(self, seconds: float | None = None) -> int | None:
        """Its exit code, minus a signal's number when that ended it; None when ``seconds`` have passed before."""
        self.process.join(seconds)
        return self.process.exitcode

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()
        self.process.join()

    def send(self, number: int) -> None:
        """Send it a signal."""
        assert self.process.pid
        os.kill(self.process.pid, number)

    def said(self) -> list[str]:
        """The lines that it printed so far."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def wait_until(self, true: Callable[[], object]) -> None:
        """Wait for something that it does."""
        deadline = time.monotonic() + 60
        while not true():
            assert self.process.is_alive(), self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.002)


def run(stage: str, root: Path, harm: Harm | None = None, code: int = 0) -> list[str]:
    """Let a stage come to its end, in ``code``. Returns the lines that it printed."""
    victim = Victim(stage, root, harm)
    assert victim.wait() == code, victim.said()
    return victim.said()


def errors(lines: list[str]) -> list[str]:
    """What was told of as an error; there must be no traceback."""
    assert "Traceback" not in "".join(lines), lines
    return [line for line in lines if line.startswith("error: ")]


def _forkserver() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["victims"])
    paths = [
        str(ROOT / name) for name in ("tests", "src", "")
    ]  # the server does not look where this process does
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    return context


def _live(stage: str, root: Path, log: Path, harm: Harm | None) -> None:
    with open(log, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = [stage, "--root", str(root)]
    if harm:
        harm()
    console.run(importlib.import_module(f"stages.{stage}").app)
