"""One table of all: what this project does, what the same costs elsewhere, and what was aimed at.

Reads what the other benchmarks have left in results/, so it comes last in `make bench`; alone, `python
benchmarks/summary.py`.
"""

from collections.abc import Iterable
from typing import Any

import typer
from common import RESULTS, report

from text2video import console
from text2video.errors import UserError
from text2video.files import read_json

WRITTEN_BY = {"cold-start": "generation"}  # the others have their benchmark's name


def kept(name: str) -> list[dict[str, Any]]:
    """The rows that a benchmark has kept."""
    rows: list[dict[str, Any]] = read_json(
        RESULTS / f"{name}.json", f"run `python benchmarks/{WRITTEN_BY.get(name, name)}.py`"
    )["rows"]
    return rows


def rows_of(name: str, key: str = "what") -> dict[str, Any]:
    """The same, by what they are about."""
    return {row[key]: row for row in kept(name)}


def claim(what: str, here: float | str, beside: float | str, times: float | str, aim: str) -> dict[str, Any]:
    """A row of the table."""
    return {"what": what, "here": here, "beside it": beside, "times": times, "aim": aim}


def data_path() -> Iterable[dict[str, Any]]:
    """Clips on disk, beside the tutorial's writer and its Dataset."""
    aims = {"written, clips/s": ">= 50", "read in random order, clips/s": ">= 50", "bytes a clip": "<= 0.02"}
    for what, row in rows_of("data").items():
        yield claim(what, row["ours"], row["tutorial"], row["ratio"], aims[what])


def training() -> Iterable[dict[str, Any]]:
    """Steps, beside the tutorial's loop and the speed of plain matrix products; the whole, beside a rectified flow."""
    found, share = rows_of("training"), "share of matmul speed"
    ours, theirs = found["train"]["clips/s"], found["tutorial"]["clips/s"]
    yield claim("GAN trained, clips/s", ours, theirs, ours / theirs, ">= 150")
    for stage in ("train", "autoencode"):
        yield claim(
            f"{stage}, of the speed of matrix products", found[stage][share], 1, found[stage][share], ">= 0.5"
        )
    gan, flow = rows_of("peers", "peer").values()
    for goal in ("0.9", "0.95"):
        here, there = gan[f"minutes to {goal}"], flow[f"minutes to {goal}"]
        times = there / here if there != "-" else f"not in {flow['minutes']}"
        yield claim(f"minutes to {goal} joint, beside a flow", here, there, times, ">= 3")


def generation() -> Iterable[dict[str, Any]]:
    """Videos, beside the tutorial's way, and a command beside the import that it cannot do without."""
    found, cold = rows_of("generation"), rows_of("cold-start")
    theirs = found["the tutorial"]["per second"]
    for what, aim in (("one at a time", ""), ("64 at once", "500 a second")):
        ours = found[what]["per second"]
        yield claim(f"videos/s, {what}", ours, theirs, ours / theirs, aim)
    here, least = (1 / cold[what]["per second"] for what in ("text2video generate", "import torch"))
    yield claim("typing to file, s, beside import torch", here, least, here / least, "<= 3")


def growth() -> Iterable[dict[str, Any]]:
    """What each stage costs with ten times the clips, the stage that grows most."""
    fewer, more = (
        {row["stage"]: row for row in kept("memory") if row["clips"] == clips} for clips in (10_000, 100_000)
    )
    if fewer.keys() != more.keys():
        raise UserError("memory.json lacks 10,000 or 100,000 clips; run `python benchmarks/memory.py`")
    for what, key, aim in (("peak MB", "peak MB", "<= 1.2"), ("ms a clip", "ms/clip", "<= 1.1")):
        worst = max(fewer, key=lambda stage: more[stage][key] / fewer[stage][key])
        here, there = more[worst][key], fewer[worst][key]
        yield claim(
            f"{what} at 100,000 clips beside 10,000, at worst ({worst})", here, there, here / there, aim
        )
    most = max(row["peak MB"] for row in fewer.values())
    yield claim("peak MB at 10,000 clips, at most", most, 2000, most / 2000, "<= 1")


def overhead() -> Iterable[dict[str, Any]]:
    """Commands that have nothing to do, beside the bare tools."""
    for what, row in rows_of("overhead").items():
        yield claim(f"{what}, s", row["seconds"], row["of the bare tool"], row["ratio"], "<= 1.5")


def main() -> None:
    """Put the claims together."""
    report("summary", [*data_path(), *training(), *generation(), *growth(), *overhead()])


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
