"""Curves as CSV, for ``dvc plots``."""

import csv
import io
from collections.abc import Sequence
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

    def __init__(self, names: Sequence[str], steps: int, most: int = 1000) -> None:
        self.names, self.steps = names, steps
        self.stretch = max(-(-steps // most), 1)
        self.rows: list[tuple[Any, ...]] = []  # (step, *losses)
        self.recent: list[tuple[float, ...]] = []

    def add(self, done: int, *losses: float) -> None:
        """Take in the losses of a step; ``done`` steps are done with it."""
        self.recent.append(losses)
        if done % self.stretch == 0 or done == self.steps:
            self.rows.append((done, *np.mean(self.recent, 0).tolist()))
            self.recent.clear()

    def text(self) -> str:
        """The curve as CSV."""
        return table(["step", *self.names], self.rows)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"rows": self.rows, "recent": self.recent}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what a checkpoint kept."""
        self.rows, self.recent = state["rows"], state["recent"]
