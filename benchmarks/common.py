"""What the benchmarks share: contestants that take turns, and a table of them that is printed and kept."""

import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).parents[1]


def rates(contestants: Mapping[str, Callable[[], float]], rounds: int = 5) -> dict[str, float]:
    """Work per second of each contestant: a call does some work and returns how much.

    They take turns, round by round, so that a busy minute of the machine hits all of them; the median of the rounds
    counts. A first round, not counted, warms them up.
    """
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, work in contestants.items():
            start = time.perf_counter()
            done = work()
            if number:
                found[name].append(done / (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in found.items()}


def command(*arguments: str, folder: Path | None = None) -> Callable[[], float]:
    """A run of Python as a whole process, in ``folder`` or here."""

    def call() -> float:
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True, cwd=folder)
        return 1

    return call


def report(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows of the same keys as a Markdown table and keep them in ``results/NAME.json``, with date and machine."""
    machine = {"date": date.today().isoformat(), "processor": _processor(), "threads": torch.get_num_threads()}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps({**machine, "rows": list(rows)}, indent=2) + "\n")
    columns = list(rows[0])
    print(f"\n## {name} ({', '.join(str(value) for value in machine.values())} threads)\n")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(_cell(row[column]) for column in columns)} |", flush=True)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
