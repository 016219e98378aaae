"""From triples and random numbers to clips."""

from collections.abc import Sequence

import numpy as np

from text2video.world.colours import COLOURS
from text2video.world.motions import MOTIONS, Draw, Path
from text2video.world.raster import draw_objects
from text2video.world.shapes import SHAPES
from text2video.world.splits import Triple

BLOCK = 40  # frames drawn at a time: what that takes stays in the processor's cache


def plan_paths(triples: Sequence[Triple], dice: np.ndarray, edge: np.ndarray, frames: int) -> Path:
    """The path of each clip: float[n, frames] each, in fractions of the frame.

    ``dice`` is float[n, DICE], uniform in [0, 1); ``edge`` is bool[n], whether the clip may lead over the edge.
    """
    scales = {name: shape.scale * shape.reach for name, shape in SHAPES.items()}
    reach = np.array([scales[triple.shape] for triple in triples])
    whole = Path(*(np.zeros((len(triples), frames)) for _ in Path._fields))
    for motion, rows in _groups([triple.motion for triple in triples]).items():
        part = MOTIONS[motion].path(Draw(dice[rows], reach[rows, None], edge[rows, None], frames))
        for series, values in zip(whole, part, strict=True):
            series[rows] = values
    return whole


def draw_clips(triples: Sequence[Triple], path: Path, size: int, background: Sequence[int]) -> np.ndarray:
    """The clips of ``triples`` along ``path`` on a background (RGB, 0..255): uint8[n, T, size, size, 3]."""
    n, frames = path.x.shape
    clips = np.empty((n, frames, size, size, 3), np.uint8)
    clips.reshape(n, frames, size, size * 3)[:] = np.tile(np.array(background, np.uint8), size)
    colours = np.array([COLOURS[triple.colour] for triple in triples], np.uint8)
    block = max(1, BLOCK // frames)
    for shape, rows in _groups([triple.shape for triple in triples]).items():
        for first in range(0, len(rows), block):
            draw_objects(clips, rows[first : first + block], SHAPES[shape], colours, path)
    return clips


def _groups(names: Sequence[str]) -> dict[str, np.ndarray]:
    """The rows of each name."""
    column = np.array(names, dtype=object)
    return {name: np.flatnonzero(column == name) for name in dict.fromkeys(names)}
