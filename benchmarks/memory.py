"""Peak memory and time of every stage at growing numbers of clips.

Training and the codec do the same few steps at each size, so that what grows is what the data costs. Run from the
repository: `python benchmarks/memory.py` (a quarter of an hour), or with the sizes of your choice, as in `--clips 500`.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from common import ROOT, report

STAGES = ("synthesize", "index", "autoencode", "train", "export", "render", "evaluate")
STEPS = 60
SIZES = (1000, 10_000, 100_000)


def page(clips: int) -> dict[str, Any]:
    """The default page with so many clips and few steps."""
    params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["world"] |= {"train_clips": clips}
    params["codec"] |= {"steps": STEPS}
    epochs = STEPS * params["train"]["batch"] / clips
    params["train"] |= {"epochs": epochs, "sample_every": epochs}
    return params


# A process of its own that holds nothing, because a child is born with the peak of its parent.
MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def run(stage: str, folder: Path) -> tuple[float, float]:
    """Run a stage as a process of its own. Returns its seconds and the most memory it held, in MB."""
    start, command = time.perf_counter(), [sys.executable, "-m", f"stages.{stage}", "--root", str(folder)]
    measured = subprocess.run([sys.executable, "-c", MEASURE, *command], cwd=ROOT, capture_output=True, text=True)
    if measured.returncode:
        raise SystemExit(f"stage {stage} failed; run it by hand to see why")
    return time.perf_counter() - start, int(measured.stdout) / (1024 if sys.platform == "linux" else 1024**2)


def main(
    clips: Annotated[list[int] | None, typer.Option(help="Training clips; may be given more than once.")] = None,
) -> None:
    """Run the whole pipeline at each size, in a folder that goes."""
    rows = []
    for number in clips or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "params.yaml").write_text(yaml.safe_dump(page(number)))
            for stage in STAGES:
                seconds, megabytes = run(stage, Path(folder))
                rows.append({"stage": stage, "clips": number, "peak MB": megabytes, "seconds": seconds,
                             "ms/clip": 1000 * seconds / number})  # fmt: skip
                print(rows[-1], file=sys.stderr, flush=True)
    report("memory", rows)


if __name__ == "__main__":
    typer.run(main)
