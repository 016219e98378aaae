"""Faults at random, for as long as one wants: what was tried, what survived, what was lost. `make chaos SECONDS=600`.

Each try takes tiny inputs, does something bad to a real stage or to its files, and then holds what is there against the
bytes of a run that nothing disturbed.
"""

import argparse
import platform
import random
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from victims import (
    INPUTS,
    Victim,
    contents,
    copy_inputs,
    damage,
    die_at,
    die_half_written,
    errors,
    limit_files,
    make_world,
    run,
)  # fmt: skip

TRAINERS = ("autoencode", "train")
LIVE = ("metrics/train.csv", "metrics/samples/")  # which train writes while it goes


class Ground:
    """What every try begins with, and the random numbers that make it another one."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.rng, self.tries = folder, random.Random(seed), 0
        self.world = make_world(folder / "world")
        self.calm: dict[str, dict[str, bytes]] = {}
        for stage in ("autoencode", "train", "export", "render"):
            root = copy_inputs(self.world, folder / stage, stage)
            run(stage, root)
            self.calm[stage] = contents(root)
            shutil.copytree(root, self.world, dirs_exist_ok=True)

    def new(self, stage: str) -> Path:
        """A new folder with the inputs of a stage."""
        self.tries += 1
        return copy_inputs(self.world, self.folder / f"try-{self.tries}", stage)

    def check(self, stage: str, root: Path) -> None:
        """Let the stage come to its end; all must be as if nothing had been."""
        run(stage, root)
        assert contents(root) == self.calm[stage], "other bytes"


def kill_at_any_time(ground: Ground) -> None:
    """SIGKILL at random times, up to eight of them."""
    stage = ground.rng.choice(TRAINERS)
    root = ground.new(stage)
    for _ in range(ground.rng.randint(1, 8)):
        victim = Victim(stage, root)
        if victim.wait(ground.rng.uniform(0, 2)) is None:
            victim.kill()
    ground.check(stage, root)


def kill_while_writing(ground: Ground) -> None:
    """SIGKILL in the middle of the n-th file, or just before or after it is put in place."""
    stage = ground.rng.choice(TRAINERS)
    root, count = ground.new(stage), ground.rng.randint(1, 25)
    harms = (partial(die_half_written, count), partial(die_at, count, False), partial(die_at, count, True))
    victim = Victim(stage, root, ground.rng.choice(harms))
    assert victim.wait() in (0, -signal.SIGKILL), victim.said()
    ground.check(stage, root)


def stop_by_signal(ground: Ground) -> None:
    """SIGINT, SIGTERM or SIGHUP at a random time."""
    stage, number = (ground.rng.choice(TRAINERS), ground.rng.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]))
    root = ground.new(stage)
    victim = Victim(stage, root)
    victim.wait_until(lambda: list(root.glob(".scratch/*/lock")))
    victim.wait(ground.rng.uniform(0.1, 1))
    if victim.process.is_alive():
        victim.send(number)
    assert victim.wait() in (0, 128 + number), victim.said()
    assert not errors(victim.said())
    ground.check(stage, root)


def damage_checkpoint(ground: Ground) -> None:
    """A checkpoint with a flipped bit, cut, empty or overwritten."""
    stage = ground.rng.choice(TRAINERS)
    root = ground.new(stage)
    victim = Victim(stage, root)
    victim.wait_until(lambda: list(root.glob(".scratch/*/checkpoint")))
    victim.kill()
    for file in root.glob(".scratch/*/checkpoint"):
        damage(file, ground.rng)
    ground.check(stage, root)


def damage_input(ground: Ground) -> None:
    """An input with a flipped bit, cut, empty or overwritten: refused in one line, or harmless; made anew, it works."""
    stage = ground.rng.choice(["autoencode", "train", "export", "render"])
    root = ground.new(stage)
    before = contents(root)
    files = [name for name in before if name != "params.yaml" and not name.endswith("README.md")]
    name = ground.rng.choice(files)
    damage(root / name, ground.rng)
    harmed = contents(root)
    victim = Victim(stage, root)
    if victim.wait() == 0:
        assert contents(root) == ground.calm[stage] | {name: harmed[name]}, f"{name} was believed"
        return
    (line,) = errors(victim.said())
    assert victim.wait() == 2
    assert str(root) in line, line
    assert {n: c for n, c in contents(root).items() if not n.startswith((*LIVE, ".scratch"))} == harmed
    (root / name).write_bytes(before[name])
    shutil.rmtree(root / ".scratch", ignore_errors=True)  # of the run on the damaged input, which is another run
    ground.check(stage, root)


def fill_disk(ground: Ground) -> None:
    """A limit on the size of files: one line, the old results there; without the limit it works."""
    stage = ground.rng.choice(list(INPUTS)[2:])
    root = ground.new(stage)
    shutil.copytree(ground.folder / stage, root, dirs_exist_ok=True)  # the results of an earlier run
    shutil.rmtree(root / "metrics" / "samples", ignore_errors=True)
    before = contents(root)
    victim = Victim(stage, root, partial(limit_files, round(10 ** ground.rng.uniform(2.7, 6.5))))
    if victim.wait() != 0:
        assert victim.wait() == 2, victim.said()
        (line,) = errors(victim.said())
        assert line.endswith("File too large"), line
        after = {n: c for n, c in contents(root).items() if not n.startswith((*LIVE, ".scratch"))}
        assert after == {n: c for n, c in before.items() if not n.startswith(LIVE)}, "old results are gone"
    ground.check(stage, root)


def run_two_at_once(ground: Ground) -> None:
    """A second trainer beside the first: one of them is refused, the other ends as ever."""
    stage = ground.rng.choice(TRAINERS)
    root = ground.new(stage)
    victims = [Victim(stage, root) for _ in range(2)]
    codes = {victim.wait() for victim in victims}
    assert codes in ({0, 2}, {0}), codes  # one after the other, if the machine is that busy
    assert contents(root) == ground.calm[stage], "other bytes"


FAULTS: dict[str, Callable[[Ground], None]] = {
    "killed at random times (SIGKILL)": kill_at_any_time,
    "killed while a file was written": kill_while_writing,
    "stopped by SIGINT, SIGTERM, SIGHUP": stop_by_signal,
    "checkpoint damaged": damage_checkpoint,
    "input damaged": damage_input,
    "disk full (limit on file sizes)": fill_disk,
    "two trainers at once": run_two_at_once,
}


def chaos(seconds: float, seed: int, folder: Path) -> tuple[Counter[str], Counter[str]]:
    """Try faults for so long, each as often as the others. Returns how often each was tried, and lost."""
    tried, lost = Counter[str](), Counter[str]()
    ground, end = Ground(folder, seed), time.monotonic() + seconds
    while time.monotonic() < end:
        for name, fault in FAULTS.items():
            tried[name] += 1
            try:
                fault(ground)
            except Exception:
                lost[name] += 1
                print(f"LOST: {name} in {folder}/try-{ground.tries}\n{traceback.format_exc()}", flush=True)
            else:
                for left in folder.glob(f"try-{ground.tries}*"):
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
        print(f"{sum(tried.values())} tried, {sum(lost.values())} lost", flush=True)
    return tried, lost


def report(tried: Counter[str], lost: Counter[str], seconds: float, seed: int) -> str:
    """The table, as Markdown."""
    rows = [f"| {name} | {n} | {n - lost[name]} | {lost[name]} |" for name, n in tried.items()]
    total = f"| **in all** | **{tried.total()}** | **{tried.total() - lost.total()}** | **{lost.total()}** |"
    where = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}"
    return "\n".join([
        "# Chaos", "",
        "What `make chaos` found the last time. Each try does something bad to a real stage in a tiny world, and then",
        "holds what is there against the bytes of a run that nothing disturbed (`tests/chaos.py`).", "",
        f"{seconds:.0f} seconds, seed {seed}, {where}", "",
        "| fault | tried | survived | lost |", "|---|---|---|---|", *rows, total, "",
    ])  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a Markdown file for the table")
    arguments = parser.parse_args()
    began = time.monotonic()
    ground_zero = Path(tempfile.mkdtemp(prefix="chaos-"))
    tries, losses = chaos(arguments.seconds, arguments.seed, ground_zero)
    if not losses:
        shutil.rmtree(ground_zero)
    page = report(tries, losses, time.monotonic() - began, arguments.seed)
    print(page)
    if arguments.out:
        arguments.out.write_text(page)
    raise SystemExit(bool(losses))
