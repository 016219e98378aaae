"""The second data set: videos of moving handwritten digits, with pairs held out."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from test_pipeline import run_every_stage
from tiny import ROOT, TINY, tiny_params, write_params
from typer.testing import CliRunner

from text2video.cli import app
from text2video.data.layouts import list_videos
from text2video.data.splits import CLIP_SPLITS
from text2video.errors import UserError
from text2video.params import load_params
from text2video.reading import read_video

sys.path.append(str(ROOT / "digits"))
make_videos = import_module("make_videos").make_videos
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small folder of digits, made as a user makes it."""
    out = tmp_path_factory.mktemp("digits") / "videos"
    command = [sys.executable, "digits/make_videos.py", "--clips", "150", "--seed", "0", "--out", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return out


def read_pair(caption: str) -> tuple[int, str]:
    """The digit and the motion that a caption asks for, in whatever words."""
    digit = re.search(r"\d|" + "|".join(NAMES), caption)
    assert digit, caption
    directions = [word.removesuffix("wards") for word in re.findall(r"up|down|left|right", caption)]
    return int(digit[0]) if digit[0].isdigit() else NAMES.index(digit[0]), " then ".join(directions)


def pairs(folder: Path) -> Iterator[tuple[Path, int, str]]:
    """Every video with its digit and motion, as its caption says."""
    for text in sorted(folder.glob("*.txt")):
        yield text.with_suffix(".mp4"), *read_pair(text.read_text())


def test_pairs_that_are_held_out_are_never_trained_on(videos: Path) -> None:
    """In no wording; but every digit and every motion is, and the test folder has held-out pairs and others."""
    train = {(digit, motion) for _, digit, motion in pairs(videos / "train")}
    test = {(digit, motion) for _, digit, motion in pairs(videos / "test")}
    assert len(train) == 51
    assert len(test - train) == 7  # of nine: the test folder has seven clips of them
    assert test & train
    assert {digit for digit, _ in train} == set(range(10))
    assert {motion for _, motion in train} == {"up", "down", "left", "right", "up then down", "left then right"}


def test_videos_show_what_their_captions_say(videos: Path) -> None:
    """The middle of the light goes the way that the caption says, and the digit stays in the picture."""
    directions = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}
    y, x = np.indices((64, 64))
    for path, _, motion in pairs(videos / "test"):
        clip = read_video(path).astype(float)[..., 0]
        assert clip.shape == (10, 64, 64)
        light = clip.sum((1, 2))
        assert light.min() > 0.9 * light.max() > 0
        middles = np.stack([(clip * x).sum((1, 2)) / light, (clip * y).sum((1, 2)) / light], axis=1)
        first, *second = motion.split(" then ")
        half = middles[4] - middles[0] if second else middles[9] - middles[0]
        assert half @ directions[first] > 8, (path, motion)
        assert abs(half @ directions[first][::-1]) < 2
        assert not second or (middles[9] - middles[5]) @ directions[second[0]] > 8


def test_the_same_seed_makes_the_same_bytes(videos: Path, tmp_path: Path) -> None:
    """Also the order in which threads finish changes nothing; another seed holds out other pairs."""

    def digests(folder: Path) -> dict[str, str]:
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    make_videos(tmp_path / "again", 150, 0)
    assert digests(tmp_path / "again") == digests(videos)
    make_videos(tmp_path / "again", 150, 1)
    assert digests(tmp_path / "again") != digests(videos)
    held_out = [
        {(digit, motion) for _, digit, motion in pairs(at / "test")}
        - {(digit, motion) for _, digit, motion in pairs(at / "train")}
        for at in (videos, tmp_path / "again")
    ]
    assert held_out[0] != held_out[1]


def test_a_folder_of_other_things_is_not_replaced(tmp_path: Path) -> None:
    """A mistake in --out costs nobody's files."""
    (tmp_path / "holiday.mp4").write_bytes(b"dear")
    with pytest.raises(UserError, match="holds other files"):
        make_videos(tmp_path, 10, 0)
    assert (tmp_path / "holiday.mp4").read_bytes() == b"dear"


def test_the_parameters_take_the_videos(videos: Path) -> None:
    """Every video has a good caption and its split; params.yaml names the folder that the script writes to."""
    listing = list_videos(videos)
    assert {video.problem for video in listing.videos} == {""}
    assert [video.split for video in listing.videos].count("test") == 15
    params = load_params(ROOT / "digits" / "params.yaml")
    assert params.data.source == "videos"
    assert (params.data.height_width, params.data.frames, params.data.fps) == ((64, 64), 10, 10)
    assert params.videos.folder == "digits/videos"


def test_the_digits_go_all_the_way_to_a_report(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dream of the tutorial: own videos in, a model and its videos out, and nothing is judged."""
    write_params(tmp_path / "params.yaml", tiny_params(data={"source": "videos"}, videos={"folder": str(videos)}))
    monkeypatch.chdir(tmp_path)
    run_every_stage(Path(), "", monkeypatch)
    figures = json.loads(Path("metrics/evaluation.json").read_text())
    splits = figures.keys() & CLIP_SPLITS
    assert splits == {"unseen_clip", "unseen_caption"}
    assert all(figures[split].keys() == {"retrieval"} for split in splits)
    assert "Not measured" in Path("metrics/report.html").read_text()
    assert len(list(Path("data/videos/gif").iterdir())) >= len(TINY["render"]["prompts"])
    assert CliRunner().invoke(app, ["generate", "the digit 3 is moving up", "--out", "made"]).exit_code == 0
    assert Path("made/000_the-digit-3-is-moving-up_0.gif").exists()
