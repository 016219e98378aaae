"""From what clips show and random numbers to clips."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from text2video.request import Request
from text2video.world.colours import COLOURS
from text2video.world.motions import MARGIN, MOTIONS, RADIUS, SIZES, SPEEDS, Draw, Path
from text2video.world.raster import draw_objects
from text2video.world.shapes import SHAPES

BLOCK = 40  # frames drawn at a time: what that takes stays in the processor's cache

Array = np.ndarray[Any, Any]
Key = TypeVar("Key")


class Layer(NamedTuple):
    """Objects, at most one of each clip."""

    clips: Array
    """int[m]: the numbers of their clips."""
    objects: list[Request]
    path: Path
    """float[m, frames]"""


def plan_paths(objects: Sequence[Request], dice: Array, edge: Array, frames: int, fps: float) -> Path:
    """The path of each object: float[n, frames] each, in fractions of the frame.

    ``dice`` is float[n, DICE], uniform in [0, 1); ``edge`` is bool[n], whether the object may lead over the edge. A
    size or a speed that an object names narrows its choice; where there is no room for it, the path does not have it.
    """
    reach, seconds = _reach(objects)[:, None], (frames - 1) / fps
    radius = np.array([SIZES.get(one.size or "", RADIUS) for one in objects])
    way = np.array([SPEEDS.get(one.speed or "", (0, np.inf)) for one in objects]) * seconds
    whole = Path(*(np.zeros((len(objects), frames)) for _ in Path._fields))
    for motion, rows in _groups([one.motion or "" for one in objects]).items():
        ranges = [(limits[rows, :1], limits[rows, 1:]) for limits in (radius, way)]
        part = MOTIONS[motion].path(Draw(dice[rows], reach[rows], edge[rows, None], frames, *ranges))
        for series, values in zip(whole, part, strict=True):
            series[rows] = values
    return whole


def measure(path: Path, fps: float) -> tuple[Array, Array]:
    """The words for the size and the speed of each path, str[n] each; "" where neither is true."""
    steps = np.hypot(np.diff(path.x), np.diff(path.y)).mean(1) * fps
    return _words(path.radius.max(1), SIZES), _words(steps, SPEEDS)


def describe(objects: Sequence[Request], path: Path, fps: float) -> list[Request]:
    """The objects with the size and the speed that their paths have; "" where neither word is said of it."""
    said = [MOTIONS[one.motion or ""].details for one in objects]
    return [
        one._replace(size=size if "size" in words else "", speed=speed if "speed" in words else "")
        for one, words, size, speed in zip(objects, said, *measure(path, fps), strict=True)
    ]


def clear_of(path: Path, objects: Sequence[Request], other: Path, others: Sequence[Request]) -> Array:
    """Whether two objects stay apart in all frames, bool[n], by the circles around them and a strip between."""
    apart = np.hypot(path.x - other.x, path.y - other.y)
    reach = _reach(objects)[:, None] * path.radius + _reach(others)[:, None] * other.radius
    return (apart >= reach + 2 * MARGIN).all(1)


def draw_clips(layers: Sequence[Layer], pictures: Sequence[Array], size: int) -> Array:
    """The clips with these backgrounds (see ``paint``), the last layer in front: uint8[n, T, size, size, 3]."""
    n, frames = len(pictures), layers[0].path.x.shape[1]
    clips = np.empty((n, frames, size, size, 3), np.uint8)
    for clip, picture in zip(clips.reshape(n, frames, size, size * 3), pictures, strict=True):
        clip[:] = np.tile(picture, (1, size // picture.shape[1], 1)).reshape(-1, size * 3)
    plain = [picture.size == 3 for picture in pictures]
    for number, layer in enumerate(layers):
        colours = np.array([COLOURS[one.colour or ""] for one in layer.objects], np.uint8)
        alone = [number == 0 and plain[clip] for clip in layer.clips]
        looks = zip([one.shape or "" for one in layer.objects], alone, strict=True)
        for (shape, uniform), rows in _groups(list(looks)).items():
            for first in range(0, len(rows), max(1, BLOCK // frames)):
                part = rows[first : first + max(1, BLOCK // frames)]
                path = Path(*(series[part] for series in layer.path))
                draw_objects(clips, layer.clips[part], SHAPES[shape], colours[part], path, uniform)
    return clips


def _reach(objects: Sequence[Request]) -> Array:
    """How far each object reaches from its centre, in radii: float[n]."""
    scales = {name: shape.scale * shape.reach for name, shape in SHAPES.items()}
    return np.array([scales[one.shape or ""] for one in objects])


def _words(values: Array, table: Mapping[str, tuple[float, float]]) -> Array:
    """The word of the table in whose range each value lies, or ""."""
    found = np.full(len(values), "", dtype=object)
    for word, (low, high) in table.items():
        found[(low - 1e-9 <= values) & (values <= high + 1e-9)] = word
    return found


def _groups(keys: Sequence[Key]) -> dict[Key, Array]:
    """The rows of each key."""
    rows: dict[Key, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return {key: np.array(found) for key, found in rows.items()}
