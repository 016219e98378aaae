"""Pipelines in folders of their own: generated from the repository's ``dvc.yaml``, with parameters of their own."""

from pathlib import Path

import pytest
from tiny import ROOT, make_repository
from typer.testing import CliRunner

from stages import new
from text2video.errors import UserError
from text2video.pages import new_page, page_pipeline
from text2video.params import load_params

PAGES = sorted(path.parent.name for path in ROOT.glob("*/dvc.yaml"))


def test_there_are_pages() -> None:
    """The tutorial's and the digits'."""
    assert PAGES == ["digits", "tutorial"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_main_pipeline_says(name: str) -> None:
    """Nobody has to keep a second list of stages: `python -m stages.new` has been run since the first one changed."""
    assert (ROOT / name / "dvc.yaml").read_text("utf-8") == page_pipeline(ROOT, name)
    load_params(ROOT / name / "params.yaml")


def test_a_new_page_takes_its_clips_from_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parameters are the repository's own with another source, comments and all; a second call keeps them."""
    root = make_repository(tmp_path / "repository").folder
    monkeypatch.chdir(root)
    done = CliRunner().invoke(new.app, ["mine", "--videos", "/elsewhere/my: clips"])
    assert done.exit_code == 0, done.output
    params = load_params(root / "mine" / "params.yaml")
    assert (params.data.source, params.videos.folder) == ("videos", "/elsewhere/my: clips")
    text = (root / "mine" / "params.yaml").read_text()
    assert text.count("#") == (root / "params.yaml").read_text().count("#")
    pipeline = (root / "mine" / "dvc.yaml").read_text()
    assert "python -m stages.train --root mine" in pipeline
    assert "mine/models/export" in pipeline
    assert new_page(root, "mine", None) == [root / "mine" / "dvc.yaml"]
    assert (root / "mine" / "params.yaml").read_text() == text
    with pytest.raises(UserError, match=r"videos\.folder"):
        new_page(root, "mine", "/other")


@pytest.mark.parametrize("name", ["data", "src", "../out", "a b", "", "models"])
def test_a_name_that_is_taken_is_refused(name: str, tmp_path: Path) -> None:
    """What holds code or results cannot be a page."""
    with pytest.raises(UserError, match="cannot be the name"):
        new_page(tmp_path, name, None)
