"""Stages as processes that can be harmed, forked from one that has loaded torch, so that each starts at once."""

import importlib
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from unittest import mock

import torch
from ruamel.yaml import YAML
from tiny import ROOT, tiny_params, write_params

from stages import autoencode, export, index, render, synthesize, train
from text2video import autoencode as autoencode_module
from text2video import bundle, console
from text2video import render as render_module
from text2video.training import train as train_module

torch.optim.Adam([torch.zeros(1, requires_grad=True)])  # the first optimizer of a process takes seconds

# A run is known by the code that is loaded: each child has the same, as long as the tests import no more than this.
PRELOADED = (autoencode, train, export, render, bundle, render_module, autoencode_module, train_module)
INPUTS = {
    "synthesize": [],
    "index": ["data/train"],
    "autoencode": ["data/train", "data/validation"],
    "train": ["data/latents", "data/validation", "data/text", "models/codec"],
    "export": [
        "models/codec", "models/trained", "data/text", "metrics/autoencode.json", "metrics/train.json"
    ],
    "render": ["models/export"],
}  # fmt: skip
Harm = Callable[[], None]


def make_world(root: Path, **sections: dict) -> Path:
    """A pipeline folder with tiny clips and their text, and params that save every step. Returns it."""
    page = tiny_params(
        world={"train_clips": 32, "validation_clips": 6, "test_clips": 0, "prompt_clips": 1},
        codec={"steps": 12},
        train={"epochs": 6, "batch": 16, "sample_every": 2},
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


def change(root: Path, section: str, **values: object) -> None:
    """Change some parameters of a pipeline folder."""
    page = YAML().load(root / "params.yaml")
    page[section].update(values)
    write_params(root / "params.yaml", page)


def contents(root: Path) -> dict[str, bytes]:
    """Every file in a folder, hidden ones too, by its path."""
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def closed(root: Path) -> Path:
    """A gate for ``hold_at``, beside a pipeline folder."""
    gate = root.with_name(f"{root.name}.gate")
    gate.touch()
    return gate


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


# What is done to a stage, in its own process


def hold_at(step: int, gate: Path) -> None:
    """Wait, with the ``step``-th step done, for as long as the file ``gate`` is there.

    Who watches may be kept from its processor for seconds: nothing that it has to see may pass by meanwhile.
    """
    update = console.Progress.update

    def waiting(self: console.Progress, done: int, **values: float) -> None:
        update(self, done, **values)
        while done == step and gate.exists():
            time.sleep(0.002)

    console.Progress.update = waiting


def die_at(count: int, after: bool) -> None:
    """SIGKILL in the ``count``-th replacement of a file or folder, with the new one not yet or just in place."""
    replace, left = os.replace, count

    def deadly(source: Path, target: Path) -> None:
        nonlocal left
        left -= 1
        if left or after:
            replace(source, target)
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = deadly


def die_half_written(count: int) -> None:
    """SIGKILL with the ``count``-th file only half written."""
    sync, left = os.fsync, count

    def deadly(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        sync(descriptor)

    os.fsync = deadly


def limit_files(size: int) -> None:
    """No file may be longer than ``size`` bytes, as under ``ulimit -f``; a full disk fails in the same calls."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def full_disk() -> None:
    """No file can be finished."""

    def sync(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    os.fsync = sync


# What is done to files


def flip(file: Path) -> None:
    """Flip one bit in the middle, as a disk or a cable does it."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def damage(file: Path, rng: random.Random) -> None:
    """Flip a bit somewhere, cut the file short, empty it, or write something else into it."""
    content = bytearray(file.read_bytes())
    place = rng.randrange(len(content))
    flipped = content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]
    file.write_bytes(rng.choice([flipped, flipped, content[:place], b"", rng.randbytes(len(content))]))


class Malicious:
    """Unpickled in the usual way, it would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


def _forkserver() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["victims"])
    paths = [str(ROOT / name) for name in ("tests", "src", "")]  # the server does not look where this process does
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(paths)):
        forkserver.ensure_running()
    return context


def _live(stage: str, root: Path, log: Path, harm: Harm | None) -> None:
    with open(log, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = [stage, "--root", str(root)]
    # A shell that runs the tests in the background, or nohup, lets them ignore these.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if harm:
        harm()
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    console.run(importlib.import_module(f"stages.{stage}").app)
