"""Pipelines in folders of their own: generated from the repository's ``dvc.yaml``, with parameters of their own."""

from pathlib import Path

import numpy as np
import pytest
from tiny import ROOT, make_repository
from typer.testing import CliRunner

from stages import new
from text2video.data.packed import PackedReader
from text2video.errors import UserError
from text2video.media import save_gif
from text2video.params import load_params
from text2video.pipelines import PICTURES, STEPS, new_pipeline, pipeline_text

FOLDERS = ("digits", "scenes", "tutorial")


@pytest.mark.parametrize("name", FOLDERS)
def test_a_generated_pipeline_is_what_the_main_pipeline_says(name: str) -> None:
    """Nobody has to keep a second list of stages: `python -m stages.new` has been run since the first one changed."""
    assert (ROOT / name / "dvc.yaml").read_text("utf-8") == pipeline_text(ROOT, name)
    load_params(ROOT / name / "params.yaml")


def test_a_new_pipeline_takes_its_clips_from_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parameters are the repository's own with another source, comments and all; a second call keeps them."""
    root = make_repository(tmp_path / "repository").folder
    monkeypatch.chdir(root)
    with pytest.raises(UserError, match="missing"):
        new_pipeline(root, "mine", "/elsewhere")
    assert not (root / "mine").exists()
    clips = tmp_path / "my: clips" / ("Мои видео " * 12) / "😀"
    clips.mkdir(parents=True)
    for number, caption in enumerate(['a cat: "tom" # runs', "кот спит" * 30]):
        save_gif(clips / f"{number}.gif", np.full((2, 8, 8, 3), 9, np.uint8))
        (clips / f"{number}.txt").write_text(caption, encoding="utf-8")
    done = CliRunner().invoke(new.app, ["mine", "--videos", str(clips)])
    assert done.exit_code == 0, done.output
    params = load_params(root / "mine" / "params.yaml")
    assert (params.data.source, params.videos.folder) == ("videos", str(clips))
    assert sorted(params.render.prompts) == ['a cat: "tom" # runs', "кот спит" * 30]
    text = (root / "mine" / "params.yaml").read_text(encoding="utf-8")
    assert "mine/params.yaml:train.epochs=30" in text.split("\n")[1]
    assert "world:" not in text
    assert params.train.epochs == min(STEPS * params.train.batch / 2, 10_000), "few clips are seen often"
    assert params.train.epochs / PICTURES <= params.train.sample_every < params.train.epochs
    assert "# pixels, multiples of 8" in text
    pipeline = (root / "mine" / "dvc.yaml").read_text()
    assert "python -m stages.train --root mine" in pipeline
    assert "mine/models/export" in pipeline
    assert "mine/metrics/plots/spread.svg" in pipeline
    assert "confusion" not in pipeline  # without labels there is none
    assert new_pipeline(root, "mine", None) == [root / "mine" / "dvc.yaml"]
    assert (root / "mine" / "params.yaml").read_text(encoding="utf-8") == text
    page = (root / "params.yaml").read_text(encoding="utf-8")
    assert "  folder: data/raw" in page
    (root / "params.yaml").write_text(page.replace("  folder: data/raw", '  folder: "data/#1"'), encoding="utf-8")
    done = CliRunner().invoke(new.app, ["other", "--videos", str(clips), "--flow"])
    assert done.exit_code == 0, done.output
    assert load_params(root / "other" / "params.yaml").videos.folder == str(clips)
    other, own = load_params(root / "other" / "params.yaml"), load_params(root / "params.yaml")
    assert (other.model.kind, other.codec.optimizer, other.codec.channels) == ("flow", "muon", 16)
    assert (other.flow, other.train.lr, other.text) == (own.flow, own.train.lr, own.text)
    with pytest.raises(UserError, match=r"videos\.folder"):
        new_pipeline(root, "mine", "/other")


def test_a_pipeline_is_never_written_into_its_videos(tmp_path: Path) -> None:
    """DVC would refuse every pipeline of the repository from then on."""
    root = make_repository(tmp_path / "repository").folder
    for folder in ("clips", "around/videos"):
        (root / folder).mkdir(parents=True)
        save_gif(root / folder / "0.gif", np.full((2, 8, 8, 3), 9, np.uint8))
        (root / folder / "0.txt").write_text("grey")
    for name, videos in (("clips", root / "clips"), ("other", root), ("clips", tmp_path)):
        with pytest.raises(UserError, match="another name"):
            new_pipeline(root, name, str(videos))
    assert new_pipeline(root, "around", str(root / "around" / "videos"))


def test_a_queued_experiment_of_a_folder_keeps_its_outputs(tmp_path: Path) -> None:
    """It runs in a copy, which is thrown away: what it made is in DVC's cache, or the check refuses to start."""
    repository = make_repository(tmp_path / "repository")
    clips = tmp_path / "clips"
    clips.mkdir()
    for number in range(4):
        save_gif(clips / f"{number}.gif", np.full((2, 8, 8, 3), 9, np.uint8))
        (clips / f"{number}.txt").write_text(f"number {number}")
    new_pipeline(repository.folder, "mine", str(clips))
    repository.commit("A pipeline of its own")
    frames = "mine/params.yaml:data.frames"
    repository.dvc("exp", "run", "--temp", "--name", "other", "mine/dvc.yaml:synthesize", "-S", f"{frames}=5")
    repository.dvc("exp", "apply", "other", code=None)  # it also asks for what the main pipeline never made here
    assert PackedReader(repository.folder / "mine" / "data" / "train").shape == (5, 64, 64, 3)
    assert "up to date" in repository.dvc("status", "mine/dvc.yaml:synthesize")

    repository.commit("Applied")
    new_pipeline(repository.folder, "mine", None, cache=False)
    repository.commit("As in the folders that come with the repository")
    said = repository.dvc("exp", "run", "--temp", "mine/dvc.yaml:synthesize", "-S", f"{frames}=6", code=None)
    assert "run `python -m stages.new mine --cache`, commit, and start it again" in said
    assert "Running stage 'mine/dvc.yaml:synthesize'" not in said


@pytest.mark.parametrize("name", ["data", "src", "../out", "a b", "", "models"])
def test_a_name_that_is_taken_is_refused(name: str, tmp_path: Path) -> None:
    """What holds code or results cannot be a pipeline's folder."""
    with pytest.raises(UserError, match="cannot be the name"):
        new_pipeline(tmp_path, name, None)
