"""A run that is stopped, however and whenever, goes on where it was and ends in the bytes of one that never was."""

import copy
import os
import pty
import random
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from victims import (
    Malicious,
    Victim,
    change,
    closed,
    contents,
    copy_inputs,
    die_at,
    die_half_written,
    errors,
    flip,
    hold_at,
    make_world,
    run,
)

from text2video.data.packed import PackedReader
from text2video.errors import Stopped, UserError
from text2video.files import atomic_write
from text2video.layout import Layout
from text2video.training import checkpoint
from text2video.training.checkpoint import RNGState, Stateful, fingerprint, read_checkpoint, resumable, write_checkpoint
from text2video.training.samples import SamplePictures
from text2video.training.tables import Curve

STAGES = ("autoencode", "train")
Results = dict[str, dict[str, bytes]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiny clips, in which each stage can be run."""
    return make_world(tmp_path_factory.mktemp("resume") / "world")


@pytest.fixture(scope="module")
def uninterrupted(world: Path) -> Results:
    """For each stage the content of its folder after a run that nothing disturbed."""
    results = {}
    for stage in STAGES:
        root = copy_inputs(world, world.with_name(f"calm-{stage}"), stage)
        assert not errors(run(stage, root))
        results[stage] = contents(root)
        shutil.copytree(root, world, dirs_exist_ok=True)  # what autoencode makes, train needs
    return results


def saved(root: Path) -> list[Path]:
    """The checkpoints that lie in a pipeline folder."""
    return list(root.glob(".scratch/*/checkpoint"))


def interrupted(stage: str, root: Path, number: int = signal.SIGTERM) -> list[str]:
    """Start a stage and stop it by a signal in the middle, nothing saved before. Returns what it said."""
    page = (root / "params.yaml").read_bytes()
    change(root, "runtime", checkpoint_every=1000, log_every=0.001)
    gate = closed(root)
    victim = Victim(stage, root, partial(hold_at, 3, gate))
    victim.wait_until(lambda: f"{stage} 3/12 steps" in "".join(victim.said()))
    victim.send(number)
    gate.unlink()
    assert victim.wait() == 128 + number, victim.said()
    (root / "params.yaml").write_bytes(page)
    return victim.said()


# What is done to a stage, in its own process


def forget_random_numbers() -> None:
    """Go on with the random numbers of the beginning."""
    RNGState.load_state_dict = lambda self, state: None


def forget_optimizers() -> None:
    """Go on with new optimizers."""
    torch.optim.Adam.load_state_dict = lambda self, state: None


def move_to_terminal(name: str, gate: Path) -> None:
    """Work on a terminal of its own, and wait at the fourth step."""
    hold_at(4, gate)
    os.setsid()
    terminal = os.open(name, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(terminal, descriptor)


def end_while_packing() -> None:
    """SIGTERM when clips are written: when they are drawn, or when the training is over and they are encoded."""
    from text2video.data.packed import PackedWriter

    PackedWriter.append = lambda *_: os.kill(os.getpid(), signal.SIGTERM)


# SIGKILL


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_any_time_it_ends_in_the_same_bytes(
    world: Path, uninterrupted: Results, tmp_path: Path, stage: str
) -> None:
    """SIGKILL at random times, starting up, training, judging, writing: nothing is lost, and nothing is left lying."""
    root, times, said = copy_inputs(world, tmp_path / "root", stage), random.Random(), []
    victim = Victim(stage, root)
    for _ in range(5):
        victim.wait(times.uniform(0, 1.5))
        if victim.process.is_alive():
            victim.kill()
            said += victim.said()
            victim = Victim(stage, root)
    assert victim.wait() == 0, victim.said()
    assert contents(root) == uninterrupted[stage]


@pytest.mark.parametrize("stage", STAGES)
def test_killed_while_it_writes_it_ends_in_the_same_bytes(
    world: Path, uninterrupted: Results, tmp_path: Path, stage: str
) -> None:
    """Checkpoints, curves, pictures, folders: killed in the middle of any of them, the old or the new one counts."""
    root = copy_inputs(world, tmp_path / "root", stage)
    half, before, after = die_half_written, partial(die_at, after=False), partial(die_at, after=True)
    harms = [partial(half, 3), partial(before, 5), partial(half, 4), partial(after, 7)]
    for harm in harms:
        run(stage, root, harm, code=-signal.SIGKILL)
    assert "going on from step" in "".join(run(stage, root))
    assert contents(root) == uninterrupted[stage]


def test_killed_while_it_writes_its_results_it_ends_in_the_same_bytes(
    world: Path, uninterrupted: Results, tmp_path: Path
) -> None:
    """Between the last step and the end of the stage there is still something to lose."""
    root = copy_inputs(world, tmp_path / "root", "autoencode")
    change(root, "runtime", checkpoint_every=1000)  # so that only results are written
    for count in (1, 2, 3):
        run("autoencode", root, partial(die_at, count, after=count == 2), code=-signal.SIGKILL)
    change(root, "runtime", checkpoint_every=0.001)
    run("autoencode", root)
    assert contents(root) == uninterrupted["autoencode"]


@pytest.mark.parametrize("forget", [forget_random_numbers, forget_optimizers])
def test_what_is_forgotten_shows(
    world: Path, uninterrupted: Results, tmp_path: Path, forget: Callable[[], None]
) -> None:
    """The comparison can fail: without the random numbers, or without the optimizers, the weights are others."""
    root = copy_inputs(world, tmp_path / "root", "train")
    interrupted("train", root)
    assert "going on from step" in "".join(run("train", root, forget))
    end = contents(root)
    assert set(end) == set(uninterrupted["train"])
    for name in ("models/trained/model.safetensors", "metrics/train.csv"):
        assert end[name] != uninterrupted["train"][name]


@given(steps=st.integers(1, 60), most=st.integers(1, 60), stop=st.integers(0, 60))
def test_a_curve_goes_on_within_a_stretch(steps: int, most: int, stop: int) -> None:
    """A row is the mean over several steps; a stop may fall between them."""
    losses = torch.rand(steps, 2).tolist()
    calm, stopped = Curve(steps, most), Curve(steps, most)
    for done, pair in enumerate(losses, 1):
        calm.add(done, dict(zip("ab", pair, strict=True)))
        stopped.add(done, dict(zip("ab", pair, strict=True)))
        if done == stop:
            state, stopped = copy.deepcopy(stopped.state_dict()), Curve(steps, most)
            stopped.load_state_dict(state)
    assert stopped.text() == calm.text()
    assert len(calm.rows) <= most
    assert calm.rows[-1][0] == steps


def test_the_pictures_are_not_forgotten(world: Path, uninterrupted: Results, tmp_path: Path) -> None:
    """DVC removes them before it starts a stage again: those of the steps before a stop are written anew."""
    layout = Layout(copy_inputs(world, tmp_path / "root", "train"))
    before, after = (SamplePictures(layout.metrics / "samples", PackedReader(layout.validation), 0) for _ in range(2))
    before.pictures = {4: b"picture"}
    write_checkpoint(tmp_path / "checkpoint", before.state_dict())
    after.load_state_dict(read_checkpoint(tmp_path / "checkpoint"))
    assert after.pictures == before.pictures
    assert (layout.metrics / "samples" / "4.png").read_bytes() == b"picture"


# Signals


@pytest.mark.parametrize(
    ("stage", "number"),
    [("autoencode", signal.SIGINT), ("train", signal.SIGINT), ("train", signal.SIGTERM), ("train", signal.SIGHUP)],
)
def test_a_signal_stops_it_in_one_line_and_it_goes_on_from_there(
    world: Path, uninterrupted: Results, tmp_path: Path, stage: str, number: int
) -> None:
    """Ctrl-C, ``kill``, a closed terminal: the step is finished and saved, and the exit code tells which it was."""
    root = copy_inputs(world, tmp_path / "root", stage)
    said = interrupted(stage, root, number)
    pattern = r"stopped at step (\d+) of (\d+); the next run goes on from there"
    (stopped,) = [match for match in map(re.compile(pattern).fullmatch, said) if match]
    assert said[-1] == stopped[0]
    assert not errors(said)
    again = run(stage, root)
    assert f"going on from step {stopped[1]} of {stopped[2]}" in again
    assert contents(root) == uninterrupted[stage]


def test_a_terminal_that_is_closed_stops_it_as_well(world: Path, uninterrupted: Results, tmp_path: Path) -> None:
    """The signal comes when nothing can be printed any more: all is saved nonetheless."""
    root = copy_inputs(world, tmp_path / "root", "train")
    page = (root / "params.yaml").read_bytes()
    change(root, "runtime", checkpoint_every=1000)
    gate = closed(root)
    master, slave = pty.openpty()
    victim = Victim("train", root, partial(move_to_terminal, os.ttyname(slave), gate))
    victim.wait_until((root / "metrics" / "samples" / "4.png").exists)
    os.close(slave)
    os.close(master)
    gate.unlink()
    assert victim.wait() != 0
    (root / "params.yaml").write_bytes(page)
    assert re.match(r"going on from step [4-9] of 12", run("train", root)[0])
    assert contents(root) == uninterrupted["train"]


def test_stopped_after_the_last_step_it_has_less_to_do_again(
    world: Path, uninterrupted: Results, tmp_path: Path
) -> None:
    """Encoding the clips is stopped at once; no half store is left; the codec is not trained again."""
    root = copy_inputs(world, tmp_path / "root", "autoencode")
    said = run("autoencode", root, end_while_packing, code=143)
    assert said[-1] == "stopped; the next run goes on from what was saved before"
    assert {path.name for path in (root / "data").iterdir()} == {"train", "validation"}
    assert "going on from step 12 of 12" in run("autoencode", root)
    assert contents(root) == uninterrupted["autoencode"]


def test_other_stages_are_ended_without_litter_too(world: Path, tmp_path: Path) -> None:
    """They are short, and start anew; but half of a store is not left lying beside the old one."""
    root = copy_inputs(world, tmp_path / "root", "autoencode")
    before = contents(root)
    assert run("synthesize", root, end_while_packing, code=143)[-1] == "terminated"
    assert contents(root) == before


def test_a_second_signal_does_not_wait() -> None:
    """A step, or what is wrong with it, may take long: who presses Ctrl-C twice means now."""
    scratch = checkpoint.CheckpointStore(Path("nowhere"), every=1000)
    for _ in scratch.steps(0, 2):
        scratch.on_signal(signal.SIGINT, None)
        with pytest.raises(Stopped, match="saved before"):
            scratch.on_signal(signal.SIGINT, None)
        break


# Two at once, and others' states


def test_two_trainers_of_one_run_exclude_each_other(world: Path, uninterrupted: Results, tmp_path: Path) -> None:
    """One is at work, perhaps left over from a ``dvc`` that was killed: the second says which, and touches nothing."""
    root = copy_inputs(world, tmp_path / "root", "train")
    gate = closed(root)
    first = Victim("train", root, partial(hold_at, 3, gate))
    first.wait_until(lambda: saved(root))
    refused = errors(run("train", root, code=2))
    page = (root / "params.yaml").read_bytes()
    change(root, "train", lr=1e-5)  # another run, but in the same place
    assert errors(run("train", root, code=2)) == refused
    (root / "params.yaml").write_bytes(page)
    pid = first.process.pid
    assert refused == [
        f"error: the stage train is being run already, by process {pid}; wait for it, or stop it with: kill {pid}"
    ]
    gate.unlink()
    assert first.wait() == 0
    assert contents(root) == uninterrupted["train"]


def test_copies_of_a_repository_share_a_run_but_never_at_once(
    world: Path, uninterrupted: Results, tmp_path: Path
) -> None:
    """``dvc exp run --temp`` works in a copy that is thrown away: the next copy goes on. Two copies at once do not."""
    (tmp_path / ".dvc").mkdir()
    copies = [copy_inputs(world, tmp_path / name, "autoencode") for name in ("one", "two")]
    gate = closed(copies[0])
    first = Victim("autoencode", copies[0], partial(hold_at, 3, gate))
    first.wait_until(lambda: list(tmp_path.glob(".dvc/tmp/text2video/autoencode-*/checkpoint")))
    (refused,) = errors(run("autoencode", copies[1], code=2))
    assert f"process {first.process.pid}" in refused
    first.send(signal.SIGTERM)
    gate.unlink()
    assert first.wait() == 143
    assert "going on from step" in "".join(run("autoencode", copies[1]))
    assert contents(copies[1]) == uninterrupted["autoencode"]
    assert list(tmp_path.glob(".dvc/tmp/*")) == []


def test_another_run_never_takes_up_the_state(world: Path, uninterrupted: Results, tmp_path: Path) -> None:
    """Other parameters make another run; with the old ones back, the old run goes on."""
    root = copy_inputs(world, tmp_path / "root", "train")
    page = (root / "params.yaml").read_bytes()
    interrupted("train", root)
    change(root, "train", lr=1e-5)
    assert "going on" not in "".join(run("train", root))
    changed = contents(root)["models/trained/model.safetensors"]
    assert changed != uninterrupted["train"]["models/trained/model.safetensors"]
    (root / "params.yaml").write_bytes(page)
    assert "going on" in "".join(run("train", root))
    assert contents(root) == uninterrupted["train"]


def test_a_run_is_known_by_all_that_shapes_its_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters, one byte of an input, a line of code, libraries, threads, device: each makes another run."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "clips.bin").write_bytes(b"a")
    (tmp_path / "code.py").write_text("x = 1")
    monkeypatch.setitem(sys.modules, "text2video.extra", type(sys)("text2video.extra"))
    sys.modules["text2video.extra"].__file__ = str(tmp_path / "code.py")

    def name(params: object = 1, inputs: tuple[str, ...] = ("store",), device: str = "cpu") -> str:
        return fingerprint(params, tmp_path, [tmp_path / path for path in inputs], torch.device(device))

    names = [name(), name(params=2), name(inputs=()), name(device="mps")]
    (tmp_path / "store" / "clips.bin").write_bytes(b"b")
    names.append(name())
    (tmp_path / "code.py").write_text("x = 2")
    names.append(name())
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    names.append(name())
    monkeypatch.setattr(torch, "__version__", "2.0.1")
    names.append(name())
    assert len(set(names)) == len(names)
    shutil.copytree(tmp_path, tmp_path / "elsewhere")
    assert fingerprint(1, tmp_path / "elsewhere", [tmp_path / "elsewhere" / "store"], torch.device("cpu")) == name()


# Damaged checkpoints


@pytest.mark.parametrize(
    "harm",
    [
        flip,
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.write_text("no checkpoint"),
        lambda file: write_checkpoint(file, {"done": Malicious(file.with_name("harmed"))}),
        lambda file: write_checkpoint(file, [1, 2]),
    ],
)
def test_a_damaged_checkpoint_is_ignored_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], harm: Callable[[Path], None]
) -> None:
    """Cut, empty, a flipped bit, a malicious pickle with the right checksum: as if there were none."""
    file = tmp_path / "checkpoint"
    write_checkpoint(file, {"done": 3, "x": torch.arange(1000.0)})
    assert read_checkpoint(file)["done"] == 3
    harm(file)
    assert read_checkpoint(file) is None
    assert re.fullmatch(rf"warning: {file} is damaged \(.*\); starting from the first step\n", capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_with_a_damaged_checkpoint_it_starts_from_the_first_step(
    world: Path, uninterrupted: Results, tmp_path: Path
) -> None:
    """What is lost then is time, nothing else."""
    root = copy_inputs(world, tmp_path / "root", "autoencode")
    interrupted("autoencode", root)
    (file,) = saved(root)
    flip(file)
    said = run("autoencode", root)
    assert "going on" not in "".join(said)
    assert [line for line in said if line.startswith("warning: ")] == [
        f"warning: {file} is damaged (its checksum does not match); starting from the first step"
    ]
    assert contents(root) == uninterrupted["autoencode"]


def test_a_state_of_something_else_is_refused(tmp_path: Path) -> None:
    """A checkpoint that is whole but does not fit is no reason for a traceback, nor for a guess."""
    part: Stateful = torch.nn.Linear(2, 2)
    with resumable("train", tmp_path, "run", every=1000) as scratch:
        for state in ({"done": 1}, {"done": 1, "part": {"weight": torch.zeros(3)}}, {"part": part.state_dict()}):
            write_checkpoint(scratch.file, state)
            with pytest.raises(UserError, match="remove it"):
                scratch.restore({"part": part}, 2)


def test_scratch_goes_when_it_is_not_needed_any_more(tmp_path: Path) -> None:
    """Done: all of it. Failed before the first checkpoint: nothing to keep. Lying for a month: others remove it."""
    with resumable("train", tmp_path, "one", every=1000) as scratch, atomic_write(scratch.file) as file:
        file.write(b"x")
    assert list(tmp_path.iterdir()) == []
    with suppress(UserError), resumable("train", tmp_path, "two", every=1000):
        raise UserError("no input")
    assert list(tmp_path.iterdir()) == []
    with suppress(UserError), resumable("train", tmp_path, "three", every=1000) as scratch:
        write_checkpoint(scratch.file, {"done": 1})
        raise UserError("no number")
    (old,) = saved(tmp_path)
    with resumable("train", tmp_path, "four", every=1000):
        assert old.exists()
    lock = old.parent.with_name("train-in-a-copy.lock")
    lock.write_text("1")
    for path in (lock, old.parent):
        os.utime(path, (0, time.time() - 31 * 86400))
    with resumable("train", tmp_path, "five", every=1000):
        assert not lock.exists()
        assert not old.exists()
    assert list(tmp_path.iterdir()) == []
