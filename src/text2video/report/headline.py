"""What one wants to know first, as a short table of text."""

from collections.abc import Iterable, Mapping
from typing import Any

from text2video.judge.summary import ACCURACIES

Figures = Mapping[str, Any]
TOO_FEW = "too few clips to measure"


def headline(figures: Figures) -> str:
    """What the judge says of each split, if there are labels, and below it retrieval; only splits that have clips."""
    pages = {name: page for name, page in figures.items() if "retrieval" in page}
    judged = {name: page for name, page in pages.items() if page.get("joint", {}).get("n")}
    asked = {name: page["retrieval"] for name, page in pages.items() if page["retrieval"]["n"]}
    tables = ([_judged(judged)] if judged else []) + ([_retrieval(asked)] if asked else [])
    return "\n\n".join(tables) or "nothing measured: the test splits have no clips, or too few captions to choose among"


def _judged(pages: Mapping[str, Figures]) -> str:
    beside = ["ceiling", "floor", *(["tutorial"] if any("tutorial" in page for page in pages.values()) else [])]
    lines = [_line("judged right", [*ACCURACIES, *beside], "n   joint, 95 %")]
    for split, page in pages.items():
        shares = [page[name]["value"] for name in ACCURACIES]
        shares += [page.get(name, {}).get("joint") for name in beside]
        lines.append(_line(split, map(_share, shares), f"{page['joint']['n']}   {_interval(page['joint'])}"))
    return "\n".join(lines)


def _retrieval(pages: Mapping[str, Figures]) -> str:
    columns = ("value", "ceiling", "floor", "chance")
    lines = [_line("right caption", ["found", *columns[1:], "captions"], "n   found, 95 %")]
    for split, page in pages.items():
        cells = [*(_share(page[name]) for name in columns), page["candidates"]]
        few = page["value"] is None
        lines.append(_line(split, cells, f"{page['n']}   {TOO_FEW if few else _interval(page)}"))
    return "\n".join(lines)


def _line(name: str, cells: Iterable[str], last: str) -> str:
    """``last`` is a number, three spaces and the rest: the numbers end in one column."""
    n, rest = last.split("   ")
    return f"{name:20}{''.join(f'{cell:>10}' for cell in cells)}{n:>10}   {rest}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


def _interval(page: Figures) -> str:
    low, high = page["interval"]
    return f"{low:.3f} to {high:.3f}"
