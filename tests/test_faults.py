"""What is broken is refused in one line that says which file it is and what to do, and nothing old is lost by it."""

import importlib
import json
import shutil
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save
from tiny import ROOT
from victims import (
    INPUTS,
    Malicious,
    change,
    contents,
    copy_inputs,
    errors,
    flip,
    full_disk,
    limit_files,
    make_world,
    run,
)

from text2video import bundle, console
from text2video.bundle import write_manifest
from text2video.data.packed import PackedReader, PackedWriter
from text2video.errors import UserError
from text2video.files import read_sealed, sha256, write_json, write_sealed
from text2video.params import load_params
from text2video.weights import load_network, save_weights

Harm = Callable[[Path], object]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every stage up to the export has run."""
    root = make_world(tmp_path_factory.mktemp("faults") / "world", runtime={"checkpoint_every": 1000})
    for stage in ("autoencode", "train", "export"):
        run(stage, root)
    return root


@pytest.fixture
def root(world: Path, tmp_path: Path) -> Path:
    """A copy of it, to harm."""
    return Path(shutil.copytree(world, tmp_path / "root"))


@pytest.fixture
def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[str, Path], str]]:
    """Runs a stage and returns the one line in which it refuses, exit code 2."""
    handler = signal.getsignal(signal.SIGTERM)

    def run_here(stage: str, root: Path) -> str:
        monkeypatch.setattr(sys, "argv", [stage, "--root", str(root)])
        with pytest.raises(SystemExit) as stop:
            console.run(importlib.import_module(f"stages.{stage}").app)
        (line,) = errors(capsys.readouterr().err.splitlines())
        assert stop.value.code == 2
        return line

    yield run_here
    signal.signal(signal.SIGTERM, handler)


# What is done to a file


def delete(file: Path) -> None:
    """As if its stage had never run."""
    file.unlink()


def empty(file: Path) -> None:
    """As after a crash of the whole machine."""
    file.write_bytes(b"")


def cut(file: Path) -> None:
    """As after a copy on a disk that was full."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def overwrite(file: Path) -> None:
    """Something else entirely."""
    file.write_bytes(b"\x00\xff<html>404" * 99)


HARMS = (delete, empty, cut, flip, overwrite)
FILES = [
    ("index", "data/train/index.json"),
    ("autoencode", "data/train/clips.bin"),
    ("autoencode", "data/train/index.json"),
    ("autoencode", "data/validation/clips.bin"),
    ("train", "data/latents/clips.bin"),
    ("train", "data/latents/index.json"),
    ("train", "data/validation/clips.bin"),
    ("train", "data/text/text.json"),
    ("train", "data/text/captions.json"),
    ("train", "data/text/captions-00000.safetensors"),
    ("train", "models/codec/config.json"),
    ("train", "models/codec/codec.safetensors"),
    ("export", "models/codec/codec.safetensors"),
    ("export", "models/trained/config.json"),
    ("export", "models/trained/model.safetensors"),
    ("export", "data/text/text.json"),
]


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize(("stage", "name"), FILES)
def test_a_broken_input_is_refused_by_name(
    root: Path, refused: Callable[[str, Path], str], stage: str, name: str, harm: Harm
) -> None:
    """The stage says which file it is and what makes it anew; the models that were there stay, and no litter comes."""
    harm(root / name)
    before = contents(root)
    line = refused(stage, root)
    assert str(root / name) in line
    assert "again" in line or "dvc" in line
    assert len(line) < 400
    after = contents(root)
    live = ("metrics/train.csv", "metrics/samples/")  # written while it goes
    assert {n: c for n, c in after.items() if not n.startswith(live)} == {
        n: c for n, c in before.items() if not n.startswith(live)
    }


@pytest.mark.parametrize("stage", ["synthesize", "autoencode", "train", "render"])
@pytest.mark.parametrize("harm", [delete, empty, overwrite, lambda file: file.write_text("data: [" * 5000)])
def test_a_broken_page_of_parameters_is_refused(
    root: Path, refused: Callable[[str, Path], str], stage: str, harm: Harm
) -> None:
    """Whatever a stage is asked to do, it reads params.yaml first."""
    harm(root / "params.yaml")
    before = contents(root)
    assert str(root / "params.yaml") in refused(stage, root)
    assert contents(root) == before


@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_a_flipped_bit_in_the_parameters_never_ends_in_a_traceback(world: Path, place: int, bit: int) -> None:
    """It still says what may be set, or it is refused in one line."""
    content = bytearray((world / "params.yaml").read_bytes())
    content[place % len(content)] ^= 1 << bit
    page = world.parent / "flipped.yaml"
    page.write_bytes(content)
    refusal = ""
    try:
        load_params(page)
    except UserError as error:
        refusal = str(error)
    assert "\n" not in refusal
    assert not refusal or refusal.startswith(str(page))


# Whole, but not what is needed


def repack(store: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Write a store anew with other items."""
    reader = PackedReader(store)
    items, captions = change(reader[:]), reader.captions
    with PackedWriter(store, items.shape[1:], items.dtype, reader.fps) as writer:
        writer.append(items, captions[: len(items)])


def reseal(file: Path, **values: object) -> None:
    """Change some values of a page that has a checksum, and the checksum with them."""
    write_sealed(file, read_sealed(file, "") | values)


@pytest.mark.parametrize(
    ("stage", "name", "harm"),
    [
        ("autoencode", "data/train", partial(repack, change=lambda clips: clips[:, :, ::2, ::2].copy())),
        ("autoencode", "data/train", partial(repack, change=lambda clips: clips[:0])),
        ("autoencode", "data/train", partial(repack, change=lambda clips: clips.astype(np.float32))),
        ("autoencode", "data/validation", partial(repack, change=lambda clips: clips[..., 0])),
        ("train", "data/latents", partial(repack, change=lambda latents: latents[:, :, :2].copy())),
        ("train", "data/latents", partial(repack, change=lambda latents: latents[:, :5].copy())),
        ("train", "data/latents/index.json", partial(reseal, version=1)),
        ("train", "data/text/text.json", partial(reseal, format=2)),
        ("train", "data/text/text.json", partial(reseal, words=["<pad>", "<unk>", "b", "a"])),
        ("train", "models/codec/config.json", partial(reseal, size="large")),
        ("train", "models/codec/config.json", partial(reseal, codec={"kind": "magic"})),
    ],
)
def test_an_input_of_another_shape_or_version_is_refused(
    root: Path, refused: Callable[[str, Path], str], stage: str, name: str, harm: Harm
) -> None:
    """From another pipeline, or another version of this one: told before hours of training, not in their midst."""
    harm(root / name)
    before = contents(root / "models")
    line = refused(stage, root)
    assert str(root / name) in line
    assert "again" in line
    assert contents(root / "models") == before


# NaN


def poison_latents(root: Path) -> None:
    """Latents that are no numbers."""
    repack(root / "data" / "latents", lambda latents: latents * np.float16("nan"))


def test_a_loss_that_is_no_number_stops_and_keeps_the_old_model(
    root: Path, refused: Callable[[str, Path], str]
) -> None:
    """The step is named, with what may help; the model of the run before stays."""
    before = contents(root / "models")
    poison_latents(root)
    line = refused("train", root)
    assert line == "error: the loss is nan in step 1; it changed no weight; try a smaller train.lr"
    change(root, "codec", lr=1e30)
    assert "step 2" in (line := refused("autoencode", root))
    assert "codec.lr" in line
    assert contents(root / "models") == before


def nan_in_step(number: int) -> None:
    """A loss that is no number in one step."""
    from text2video.training import checkpoint, trainer

    def require_finite(loss: torch.Tensor, step: int, key: str) -> None:
        checkpoint.require_finite(loss * float("nan") if step + 1 == number else loss, step, key)

    trainer.require_finite = require_finite


def test_after_a_loss_that_is_no_number_the_last_good_state_is_there(world: Path, tmp_path: Path) -> None:
    """Whatever it came from, the steps before it are not lost: once it is mended, the run goes on and ends as ever."""
    root = copy_inputs(world, tmp_path / "root", "train")
    change(root, "runtime", checkpoint_every=0.001)
    (line,) = errors(run("train", root, partial(nan_in_step, 5), code=2))
    assert "in step 5;" in line
    assert "going on from step 4 of 12" in run("train", root)
    assert contents(root / "models" / "trained") == contents(world / "models" / "trained")


# Disks that are full


@pytest.mark.parametrize("stage", INPUTS)
@pytest.mark.parametrize(
    ("harm", "reason"), [(partial(limit_files, 400), "File too large"), (full_disk, "No space left on device")]
)
def test_a_full_disk_is_one_line_and_costs_nothing(
    world: Path, tmp_path: Path, stage: str, harm: Callable[[], None], reason: str
) -> None:
    """All that was there before is there after, byte for byte, and no file more."""
    root = Path(shutil.copytree(world, tmp_path / "root"))
    shutil.rmtree(root / "metrics" / "samples")  # what train writes while it goes
    before = contents(root)
    (line,) = errors(run(stage, root, harm, code=2))
    assert line.startswith(f"error: cannot write {root}")
    assert line.endswith(reason)
    assert contents(root) == before


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(world: Path, tmp_path: Path) -> None:
    """With room on the disk again, the run goes on and ends in the same bytes."""
    root = copy_inputs(world, tmp_path / "root", "train")
    change(root, "runtime", checkpoint_every=0.001)
    run("train", root, partial(nan_in_step, 4), code=2)
    (file,) = root.glob(".scratch/*/checkpoint")
    before = file.read_bytes()
    (line,) = errors(run("train", root, partial(limit_files, 2_000_000), code=2))
    assert line == f"error: cannot write {file}: File too large"
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["checkpoint"]
    assert "going on from step 3 of 12" in run("train", root)
    assert contents(root / "models" / "trained") == contents(world / "models" / "trained")


# Malice


def hostile_weights(good: bytes) -> dict[str, bytes]:
    """Files that claim to be safetensors, by what is wrong with their header; ``good`` is a file that is well."""
    length = struct.unpack("<Q", good[:8])[0]
    header, body = json.loads(good[8 : 8 + length]), good[8 + length :]
    first = next(name for name in header if name != "__metadata__")

    def pack(content: bytes, claimed: int | None = None) -> bytes:
        return struct.pack("<Q", len(content) if claimed is None else claimed) + content + body

    def changed(**values: object) -> bytes:
        return pack(json.dumps(header | {first: header[first] | values}).encode())

    return {
        "a header longer than the file": pack(b"{}", 2**20),
        "a header longer than any memory": pack(b"{}", 2**63),
        "nested without end": pack(b'{"a":' * 100_000),
        "no JSON": pack(b"\xff\xfe"),
        "an overlap": changed(data_offsets=[0, 4]),
        "an end beyond the file": changed(data_offsets=[0, 2**40]),
        "a start before the file": changed(data_offsets=[-4, 0]),
        "a shape larger than any memory": changed(shape=[2**62, 2]),
        "a shape that overflows": changed(shape=[2**63, 2**63]),
        "an unknown type": changed(dtype="X1"),
    }


def test_weights_with_a_hostile_header_are_refused(tmp_path: Path) -> None:
    """No crash, no memory, no weights: one line."""
    file = tmp_path / "x.safetensors"
    save_weights(file, torch.nn.Linear(4, 4))
    for content in hostile_weights(file.read_bytes()).values():
        file.write_bytes(content)
        with pytest.raises(UserError, match=r"x\.safetensors is damaged .*; mend it$"):
            load_network(lambda: torch.nn.Linear(4, 4), file, "mend it")


@pytest.mark.parametrize("content", ["pickle", "header", "nan"])
def test_a_forged_codec_has_no_effect(
    root: Path, refused: Callable[[str, Path], str], tmp_path: Path, content: str
) -> None:
    """With checksums that fit: a pickle is not unpickled, a header not believed, NaN not taken for a weight."""
    file = root / "models" / "codec" / "codec.safetensors"
    if content == "pickle":
        torch.save(Malicious(tmp_path / "harmed"), file)
    elif content == "header":
        file.write_bytes(hostile_weights(file.read_bytes())["a shape that overflows"])
    else:
        weights = bundle.load_model(root / "models" / "export").codec.state_dict()
        file.write_bytes(save({name: value * float("nan") for name, value in weights.items()}))
    reseal(file.parent / "config.json", files={file.name: sha256(file)})
    assert f"{file} " in refused("train", root)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "magic"},
        {"kind": "frame_gan"},
        {"frames": "many"},
        {"latent_shape": 4},
        {"codec": None},
        {"size": -8},
        {"model": {"noise_dim": 8}},
        {"model": {**load_params(ROOT / "params.yaml").video_gan.model_dump(), "harmonics": 10**9}},
        {"text": {**load_params(ROOT / "params.yaml").text.model_dump(), "dim": 10**9}},
    ],
)
def test_a_forged_bundle_is_refused(root: Path, refused: Callable[[str, Path], str], changes: dict) -> None:
    """With a manifest that fits: what its config asks for must be a model, and the one whose weights there are."""
    folder = root / "models" / "export"
    config = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", config | changes)
    (folder / "manifest.json").unlink()
    write_manifest(folder)
    assert str(folder) in refused("render", root)
