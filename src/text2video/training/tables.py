"""Curves as CSV, for ``dvc plots``."""

import csv
import io
from typing import Any


def table(header: list[str], rows: list[tuple[Any, ...]]) -> str:
    """CSV text of a header and rows; floats with six significant digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{value:.6g}" if isinstance(value, float) else value for value in row] for row in rows)
    return text.getvalue()
