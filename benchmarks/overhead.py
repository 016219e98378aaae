"""What the commands cost when there is nothing to do, against the bare tools under them.

In a clone of the last commit whose pipeline has run, with few clips and steps, before the clock starts. Run from the
repository: `python benchmarks/overhead.py`.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import typer
import yaml
from common import ROOT, command, rates, report

FEW = {
    "world": {"train_clips": 64, "validation_clips": 16, "test_clips": 8, "prompt_clips": 1},
    "codec": {"steps": 4},
    "train": {"epochs": 1},
    "export": {"candidates": 1},
}
ONE_STAGE = "stages:\n  one:\n    cmd: 'true'\n    deps: [one.txt]\n"


def small_pipeline(folder: Path) -> Path:
    """A clone of this repository in which `dvc repro` has run and has nothing left to do."""
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    page = yaml.safe_load((folder / "params.yaml").read_text())
    for section, values in FEW.items():
        page[section] |= values
    (folder / "params.yaml").write_text(yaml.safe_dump(page))
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))  # for the stages
    command("-m", "dvc", "repro", "-q", folder=folder)()
    return folder


def smallest(folder: Path) -> Path:
    """A DVC repository of one stage that does nothing, reproduced."""
    folder.mkdir()
    (folder / "one.txt").write_text("1")
    (folder / "dvc.yaml").write_text(ONE_STAGE)
    for arguments in (("-m", "dvc", "init", "--no-scm", "-q"), ("-m", "dvc", "repro", "-q")):
        command(*arguments, folder=folder)()
    return folder


def main() -> None:
    """Each command beside the least that one like it could cost."""
    with tempfile.TemporaryDirectory() as scratch:
        pipeline = small_pipeline(Path(scratch) / "pipeline")
        floor = smallest(Path(scratch) / "smallest")
        pairs = {
            "dvc repro, nothing to do": (
                command("-m", "dvc", "repro", folder=pipeline),
                command("-m", "dvc", "repro", folder=floor),
            ),
            "text2video --help": (
                command("-m", "text2video.cli", "--help", folder=ROOT),
                command("-c", "import typer.main, pydantic, yaml, numpy", folder=ROOT),
            ),
            "import text2video": (command("-c", "import text2video", folder=ROOT), command("-c", "pass", folder=ROOT)),
        }
        rows = []
        for name, (ours, least) in pairs.items():
            found = rates({"ours": ours, "least": least}, rounds=3)
            rows.append({"what": name, "seconds": 1 / found["ours"], "of the bare tool": 1 / found["least"],
                         "ratio": found["least"] / found["ours"]})  # fmt: skip
        report("overhead", rows)


if __name__ == "__main__":
    typer.run(main)
