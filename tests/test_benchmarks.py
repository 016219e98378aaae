"""The benchmarks, made small: that they still run. Nothing is timed."""

import runpy
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tiny import ROOT, tiny_params, write_params

from text2video.data.packed import PackedReader
from text2video.params import load_params

sys.path.append(str(ROOT / "benchmarks"))
SCRIPTS = [path for path in sorted((ROOT / "benchmarks").glob("*.py")) if '"__main__"' in path.read_text("utf-8")]
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[ModuleType, Rows]]:
    """Loads a benchmark, with some of its constants, that does each work once and hands over what it would print."""

    def load(name: str, **constants: object) -> tuple[ModuleType, Rows]:
        module, rows = import_module(name), {}
        for constant, value in constants.items():
            monkeypatch.setattr(module, constant, value)
        for attribute, stand_in in {
            "report": lambda title, found: rows.update({title: list(found)}),
            "rates": lambda works: {what: work() for what, work in works.items()},
        }.items():
            monkeypatch.setattr(module, attribute, stand_in, raising=False)
        return module, rows

    return load


def test_what_motions_says_covers_all_of_them(reports) -> None:
    """Protects the figures of what falls short: one row a motion that is trained on, and one for all."""
    module, rows = reports("motions", CLIPS=24)
    module.main()
    assert sum(row["clips"] for row in rows["motions"]) == 2 * 24
    assert rows["motions"][-1]["motion"] == "all"
    assert 0.5 < rows["motions"][-1]["joint"] <= 1


def test_candidates_are_counted(reports) -> None:
    """Protects the table of what choosing is worth: a row for each number of candidates."""
    module, rows = reports("candidates", CLIPS=16, CANDIDATES=(1, 2))
    module.main()
    assert [row["candidates"] for row in rows["candidates"]] == [1, 2]


def test_the_judge_sees_both_worlds(reports) -> None:
    """Protects the figure of how quick it is: one object by both judges, and scenes."""
    module, rows = reports("judge", CLIPS=4)
    module.main()
    assert [row["judged, clips/s"] for row in rows["judge"]] == [4, 4, 4]


def test_both_sides_of_a_benchmark_work(reports, tmp_path: Path) -> None:
    """Protects the ratios in README.md: what is timed still does its work, ours and the tutorial's."""
    generation, _ = reports("generation")
    assert generation.ours(2, 4)() == 4
    assert generation.tutorial(tmp_path)() == 1
    assert len(list(tmp_path.iterdir())) == 10
    training, _ = reports("training")
    params = load_params(write_params(tmp_path / "params.yaml", tiny_params()))
    tutorial = load_params(ROOT / "tutorial" / "params.yaml")
    for step in (training.model_step(params), training.codec_step(params), training.model_step(tutorial)):
        assert training.flop_of(step, 1) > 0


def test_own_videos_are_cut_on_both_sides(tmp_path: Path) -> None:
    """The stage as a process and the plain loop, on the same files."""
    module = import_module("videos")
    folder = module.fill(tmp_path / "own", 2, seconds=1, height=32, width=64, repeat=2)
    row = module.compare("two", folder, tmp_path / "root", 2, 2, 10)
    assert [path.name for path in sorted(folder.glob("*.mp4"))] == ["0.mp4", "1.mp4"]
    assert len(PackedReader(tmp_path / "root" / "data" / "train")) == 2  # of two seconds each
    assert min(row[name] for name in ("clips/s", "ratio", "memory, MB")) > 0


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
@pytest.mark.parametrize(("arguments", "status"), [(["--help"], 0), (["--nonsense"], 2)])
def test_a_benchmark_that_is_asked_for_help_measures_nothing(
    script: Path, arguments: list[str], status: int, monkeypatch, capsys
) -> None:
    """Protects whoever wants to know first: an hour of work does not begin because someone asked what it is."""
    monkeypatch.setattr(sys, "argv", [str(script), *arguments])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(script), run_name="__main__")
    said = capsys.readouterr()
    assert stop.value.code == status
    assert "Usage" in said.out + said.err
