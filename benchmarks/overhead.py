"""What the commands cost when there is nothing to do, against the bare tools under them.

Needs a repository in which `dvc repro` has nothing left to do. Run from it: `python benchmarks/overhead.py`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from common import ROOT, command, rates, report

ONE_STAGE = "stages:\n  one:\n    cmd: 'true'\n    deps: [one.txt]\n"


def smallest(folder: Path) -> Path:
    """A DVC repository of one stage that does nothing, reproduced."""
    (folder / "one.txt").write_text("1")
    (folder / "dvc.yaml").write_text(ONE_STAGE)
    for arguments in (("-m", "dvc", "init", "--no-scm", "-q"), ("-m", "dvc", "repro", "-q")):
        command(*arguments, folder=folder)()
    return folder


def main() -> None:
    """Each command beside the least that one like it could cost."""
    if subprocess.run([sys.executable, "-m", "dvc", "status", "--quiet", "evaluate"], cwd=ROOT).returncode:
        raise SystemExit("there is something left to do here: run `dvc repro` first, or this would time it")
    with tempfile.TemporaryDirectory() as scratch:
        floor = smallest(Path(scratch))
        pairs = {
            "dvc repro, nothing to do": (
                command("-m", "dvc", "repro", folder=ROOT),
                command("-m", "dvc", "repro", folder=floor),
            ),
            "text2video --help": (
                command("-m", "text2video.cli", "--help", folder=ROOT),
                command("-c", "import typer.main, pydantic, yaml, numpy", folder=ROOT),
            ),
            "import text2video": (
                command("-c", "import text2video", folder=ROOT),
                command("-c", "pass", folder=ROOT),
            ),
        }
        rows = []
        for name, (ours, least) in pairs.items():
            found = rates({"ours": ours, "least": least}, rounds=3)
            rows.append({"what": name, "seconds": 1 / found["ours"], "of the bare tool": 1 / found["least"],
                         "ratio": found["least"] / found["ours"]})  # fmt: skip
        report("overhead", rows)


if __name__ == "__main__":
    main()
