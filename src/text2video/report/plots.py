"""Curves, confusion matrices and histograms as SVG text, for the page and for ``dvc plots``."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

INK, FAINT, GRID = "#1a1a1a", "#5a5a5a", "#dddddd"
NONE = "—"  # instead of a number
COLOURS = ("#0b62a8", "#c2410c", "#15803d", "#7e22ce")  # dark enough on white, and apart for the colour-blind
MODEL, REAL = COLOURS[1], COLOURS[0]
BINS = 24  # of a histogram
FONT = 'font-family="system-ui, sans-serif"'

Curve = Sequence[tuple[float, float]]


def svg(width: float, height: float, body: str, label: str) -> str:
    """A drawing that scales to the room it has; ``label`` is for those who cannot see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'role="img" aria-label="{escape(label)}" {FONT}>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{body}</svg>\n'
    )


def text(
    x: float, y: float, words: str, *, size: int = 11, anchor: str = "start", fill: str = INK, more: str = ""
) -> str:
    """A line of text, escaped."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}"{more}>'
        f"{escape(words)}</text>"
    )


def number(value: float | None) -> str:
    """A number as people write it: three significant digits."""
    if value is None:
        return NONE
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


# --- curves ----------------------------------------------------------------------------------------------------------


def read_curves(path: Path) -> Mapping[str, Curve]:
    """The finite points (step, value) of each column of a CSV of numbers; none where there is no such file or row."""
    if not path.is_file():
        return {}
    header, *rows = (line.split(",") for line in path.read_text(encoding="utf-8").splitlines())
    curves = {name: [(float(row[0]), float(row[i])) for row in rows] for i, name in enumerate(header[1:], 1)}
    return {name: [point for point in curve if np.isfinite(point[1])] for name, curve in curves.items()}


def line_chart(title: str, curves: Mapping[str, Curve], low: float | None) -> str:
    """Curves of (step, y) over a common axis, with a legend; the y axis starts at ``low``, or at the least value."""
    width, height, left, top, bottom = 440, 250, 46, 48, 36
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return ""
    x_most = max(x for x, _ in points)
    y_least = low if low is not None else min(y for _, y in points)
    y_most = max(max(y for _, y in points), y_least + 1e-9)
    right, floor = width - 12, height - bottom

    def place(x: float, y: float) -> tuple[float, float]:
        across, up = x / max(x_most, 1e-9), (y - y_least) / (y_most - y_least)
        return left + across * (right - left), floor - up * (floor - top)

    body = [text(left, 18, title, size=13, more=' font-weight="600"')]
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = x_most * share, y_least + share * (y_most - y_least)
        at_x, at_y = place(x, y)
        body.append(f'<path d="M{left} {at_y:.1f}H{right}" stroke="{GRID}"/>')
        body.append(text(left - 6, at_y + 4, number(y), size=10, anchor="end", fill=FAINT))
        body.append(text(at_x, floor + 15, number(x), size=10, anchor="middle", fill=FAINT))
    body.append(text((left + right) / 2, height - 5, "step", size=10, anchor="middle", fill=FAINT))
    for i, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in curve))
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        body.append(text(left + 95 * i, 35, f"— {name}", fill=colour, more=' font-weight="600"'))
    return svg(width, height, "".join(body), title)


# --- confusion -------------------------------------------------------------------------------------------------------


def confusion_csv(counts: Mapping[str, Mapping[str, int]]) -> str:
    """A row ``actual,predicted`` for each clip, as DVC's confusion template wants it."""
    lines = [f"{asked},{seen}\n" * n for asked, row in counts.items() for seen, n in row.items()]
    return "actual,predicted\n" + "".join(lines)


def confusion_matrix(title: str, counts: Mapping[str, Mapping[str, int]], order: Sequence[str]) -> str:
    """Counts asked (rows) x judged (columns), shaded by their share of the row: blue where both agree, else red. Labels
    come in ``order``, then what else there is; "unclear" is last."""
    seen = {label for row in counts.values() for label in row} | set(counts)
    known = [label for label in order if label in seen] + sorted(seen - set(order) - {"unclear"})
    columns = known + (["unclear"] if "unclear" in seen else [])
    rows = [label for label in known if label in counts]
    if not rows:
        return ""
    cell, left = 30, 14 + 6.2 * max(map(len, rows))
    top = 56 + 5.0 * max(map(len, columns))
    body = [text(4, 16, title, size=13, more=' font-weight="600"'), text(4, 32, "asked ↓ seen →", size=10, fill=FAINT)]
    for i, label in enumerate(columns):
        x = left + cell * (i + 0.6)
        turn = f' transform="rotate(-50 {x:.1f} {top - 6:.1f})"'
        body.append(text(x, top - 6, label, size=10, more=turn))
    for j, asked in enumerate(rows):
        y, total = top + cell * j, sum(counts[asked].values())
        body.append(text(left - 6, y + cell / 2 + 4, asked, size=10, anchor="end"))
        for i, judged in enumerate(columns):
            body.append(_cell(left + cell * i, y, cell, counts[asked].get(judged, 0), total, asked == judged))
    width = left + cell * len(columns) + 3.5 * len(columns[-1]) + 10
    return svg(width, top + cell * len(rows) + 8, "".join(body), title)


def _cell(x: float, y: float, side: float, count: int, total: int, agree: bool) -> str:
    """One cell of a confusion matrix."""
    share, colour = count / max(total, 1), REAL if agree else "#b91c1c"
    opacity = 0 if not count else 0.08 + 0.92 * share
    place = f'x="{x:.1f}" y="{y:.1f}" width="{side}" height="{side}"'
    box = f'<rect {place} stroke="{GRID}" fill="{colour}" fill-opacity="{opacity:.2f}"/>'
    if not count:
        return box
    fill = "#ffffff" if opacity > 0.55 else INK
    return box + text(x + side / 2, y + side / 2 + 4, str(count), size=10, anchor="middle", fill=fill)


# --- histograms ------------------------------------------------------------------------------------------------------


def histograms(title: str, panels: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> str:
    """Side by side, for each panel, how the values of the model's and of real clips are distributed, as shares, over
    the range of the real ones; what lies beyond is in the outermost bins."""
    wide, height, columns = 280, 170, 2
    body = [text(12, 20, title, size=13, more=' font-weight="600"')]
    body += [text(12, 38, "— real clips", fill=REAL), text(100, 38, "— model", fill=MODEL)]
    for i, (name, (model, real)) in enumerate(panels.items()):
        body.append(_histogram(12 + wide * (i % columns), 50 + height * (i // columns), wide - 30, name, model, real))
    rows = -(-len(panels) // columns)
    return svg(wide * columns, 50 + height * rows, "".join(body), title)


def _histogram(left: float, top: float, wide: float, name: str, model: np.ndarray, real: np.ndarray) -> str:
    tall = 110.0
    low, high = (float(real.min()), float(real.max())) if len(real) else (0.0, 1.0)
    edges = np.linspace(low, max(high, low + 1e-6), BINS + 1)
    shares = [np.histogram(np.clip(v, low, edges[-1]), edges)[0] / max(len(v), 1) for v in (real, model)]
    most = max(*(s.max() for s in shares), 1e-9)
    base = top + 20 + tall
    parts = [text(left, top + 14, name, size=11), f'<path d="M{left} {base}h{wide}" stroke="{INK}"/>']
    for share, colour, fill in ((shares[0], REAL, 0.18), (shares[1], MODEL, 0.0)):
        steps = "".join(f"V{base - tall * s / most:.1f}h{wide / BINS:.2f}" for s in share)
        path = f"M{left:.1f} {base:.1f}{steps}V{base:.1f}"
        parts.append(f'<path d="{path}" fill="{colour}" fill-opacity="{fill}" stroke="{colour}" stroke-width="1.5"/>')
    parts.append(text(left, base + 13, number(low), size=10, fill=FAINT))
    parts.append(text(left + wide, base + 13, number(high), size=10, anchor="end", fill=FAINT))
    return "".join(parts)
