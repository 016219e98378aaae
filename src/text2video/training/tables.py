"""Curves as CSV, for ``dvc plots``."""

from collections.abc import Mapping
from typing import Any

import numpy as np


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
        """The curve as CSV; numbers with six significant digits."""
        lines = [["step", *self.names], *([step, *(f"{value:.6g}" for value in row)] for step, *row in self.rows)]
        return "".join(",".join(map(str, line)) + "\n" for line in lines)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"names": self.names, "rows": self.rows, "recent": self.recent}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what a checkpoint kept."""
        self.names, self.rows, self.recent = state["names"], state["rows"], state["recent"]
