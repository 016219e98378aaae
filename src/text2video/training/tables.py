"""Curves as CSV, for ``dvc plots``."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """CSV text of a header and rows; floats with six significant digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{value:.6g}" if isinstance(value, float) else value for value in row] for row in rows)
    return text.getvalue()


class Curve:
    """Named losses over ``steps`` steps, averaged over stretches so that there are at most ``most`` rows."""

    def __init__(self, steps: int, most: int = 1000) -> None:
        self.steps = steps
        self.stretch = max(-(-steps // most), 1)
        self.names: list[str] = []
        self.rows: list[tuple[Any, ...]] = []  # (step, *losses)
        self.recent: list[tuple[float, ...]] = []

    def add(self, done: int, losses: Mapping[str, float]) -> None:
        """Take in the losses of a step, the same names each time; ``done`` steps are done with it."""
        self.names = list(losses)
        self.recent.append(tuple(losses.values()))
        if done % self.stretch == 0 or done == self.steps:
            self.rows.append((done, *np.mean(self.recent, 0).tolist()))
            self.recent.clear()

    def last(self) -> dict[str, float]:
        """The losses of the last row by name."""
        return dict(zip(self.names, self.rows[-1][1:], strict=True)) if self.rows else {}

    def text(self) -> str:
        """The curve as CSV."""
        return table(["step", *self.names], self.rows)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"names": self.names, "rows": self.rows, "recent": self.recent}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what a checkpoint kept."""
        self.names, self.rows, self.recent = state["names"], state["rows"], state["recent"]
