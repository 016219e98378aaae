"""Sentences as people type them, drawn by a model and judged: how many videos are right, of two lists of forty.

Run from the repository: `python benchmarks/sentences.py`, or with an exported model: `--model models/export`.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from common import report

from text2video import load_model
from text2video.console import run
from text2video.judge import compare, judge_clips
from text2video.judge.scores import ASPECTS
from text2video.request import Request

SENTENCES = Path(__file__).with_name("sentences.txt")
CLIPS, SEED = 16, 0


def sentences() -> list[list[tuple[str, Request]]]:
    """The lists: each sentence with what it asks for."""
    lists = []
    for part in SENTENCES.read_text("utf-8").split("\n\n"):
        lines = [line.split("\t") for line in part.splitlines() if not line.startswith("#")]
        lists.append([(text, Request(*(None if word == "-" else word for word in asked))) for text, *asked in lines])
    return lists


def main(
    model: Annotated[Path | None, typer.Option(help="An exported model; the default one without.")] = None,
) -> None:
    """One row for each sentence: the share of its CLIPS videos that are right, and which words were not read."""
    loaded, rows, totals = load_model(model), [], []
    names = (*ASPECTS, "joint")
    for number, part in enumerate(sentences(), 1):
        for text, request in part:
            verdicts = judge_clips(loaded.draw([text] * CLIPS, SEED, range(CLIPS)))
            shares = {name: float(hits.mean()) for name, hits in compare(verdicts, [request] * CLIPS).right.items()}
            rows.append({"sentence": text, **shares, "remark": loaded.frontend.check_prompt(text) or ""})
        total = {name: float(np.mean([row[name] for row in rows[-len(part) :]])) for name in names}
        totals.append({"sentence": f"all of list {number}", **total, "remark": ""})
    report("sentences", rows + totals)


if __name__ == "__main__":
    run(lambda: typer.run(main))
