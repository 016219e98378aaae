"""From what clips show and random numbers to clips."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from text2video.request import Request
from text2video.world.colours import COLOURS
from text2video.world.motions import CROWDED_RADIUS, MARGIN, MOTIONS, RADIUS, SIZES, SPEEDS, Draw, Path
from text2video.world.raster import draw_objects
from text2video.world.shapes import SHAPES

DETAILS = {"size": SIZES, "speed": SPEEDS}
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


def plan_paths(objects: Sequence[Request], dice: Array, edge: Array, frames: int, fps: float, crowded: Array) -> Path:
    """Paths for each of m objects, as many as there are ``dice``: float[m, tries, frames], in fractions of the frame.

    ``dice`` is float[m, tries, DICE], uniform in [0, 1); ``edge`` is bool[m], whether the object may lead over the
    edge; ``crowded`` is bool[m], whether it has others beside it, which leave it less room. A size or a speed that an
    object names narrows its choice; where there is no room for it, a path has it not.
    """
    (m, tries, _), seconds = dice.shape, (frames - 1) / fps
    reach = _reach(objects)
    free = [CROWDED_RADIUS if many else RADIUS for many in crowded.tolist()]
    radius = np.array([SIZES.get(one.size or "", limits) for one, limits in zip(objects, free, strict=True)])
    way = np.array([SPEEDS.get(one.speed or "", (0, np.inf)) for one in objects]) * seconds
    whole = Path(*(np.zeros((m, tries, frames)) for _ in Path._fields))
    kinds = [MOTIONS[one.motion or ""].path for one in objects]
    for function, rows in _groups([kind.func for kind in kinds]).items():  # all directions of travel in one go
        again = np.repeat(rows, tries)
        ranges = [(limits[again, :1], limits[again, 1:]) for limits in (radius, way)]
        draw = Draw(dice[rows].reshape(len(again), -1), reach[again, None], edge[again, None], frames, *ranges)
        names = kinds[rows[0]].keywords
        how = {name: np.repeat([kinds[row].keywords[name] for row in rows], tries)[:, None] for name in names}
        part = function(draw, **how)
        for series, values in zip(whole, part, strict=True):
            series[rows] = values.reshape(len(rows), tries, -1)
    return whole


def as_asked(objects: Sequence[Request], path: Path, fps: float) -> Array:
    """Whether paths float[m, tries, frames] have the sizes and the speeds that their objects name: bool[m, tries]."""
    fits = np.ones(path.x.shape[:2], bool)
    for kind, values in _measured(path, fps).items():
        for word, limits in DETAILS[kind].items():
            free = np.array([getattr(one, kind) != word for one in objects], bool)
            fits &= _within(values, limits) | free[:, None]
    return fits


def describe(objects: Sequence[Request], path: Path, fps: float) -> list[Request]:
    """The objects with the size and the speed that their paths, float[m, frames], have; "" where neither word fits."""
    words: dict[str, list[str]] = {}
    for kind, values in _measured(path, fps).items():
        fits = [_within(values, limits) for limits in DETAILS[kind].values()]
        words[kind] = np.select(fits, list(DETAILS[kind]), "").tolist()
    said = [MOTIONS[one.motion or ""].details for one in objects]
    return [
        one._replace(**{kind: found[row] if kind in said[row] else "" for kind, found in words.items()})
        for row, one in enumerate(objects)
    ]


def apart(path: Path, objects: Sequence[Request], other: Path, others: Sequence[Request]) -> Array:
    """Whether two objects stay apart in all frames, by the circles around them and a strip between: bool[m, tries].

    The paths are float[m, tries, frames] and float[m, frames].
    """
    x, y, radius, _ = (series[:, None] for series in other)
    between = _reach(objects)[:, None, None] * path.radius + _reach(others)[:, None, None] * radius + 2 * MARGIN
    return ((path.x - x) ** 2 + (path.y - y) ** 2 >= between**2).all(-1)


def draw_clips(layers: Sequence[Layer], pictures: Sequence[Array], size: int) -> Array:
    """The clips with these backgrounds (see ``paint``), the last layer in front: uint8[n, T, size, size, 3]."""
    n, frames = len(pictures), layers[0].path.x.shape[1]
    clips = np.empty((n, frames, size, size, 3), np.uint8)
    for clip, picture in zip(clips, pictures, strict=True):
        clip.reshape(frames, size, -1)[:] = picture.reshape(len(picture), -1)
    plain = np.array([len(picture) == 1 for picture in pictures], bool)
    block = max(1, BLOCK // frames)
    for number, layer in enumerate(layers):
        colours = np.array([COLOURS[one.colour or ""] for one in layer.objects], np.uint8)
        fresh = plain[layer.clips] & (number == 0)
        looks = [(one.shape or "", bare) for one, bare in zip(layer.objects, fresh.tolist(), strict=True)]
        for (shape, bare), rows in _groups(looks).items():
            for part in (rows[first : first + block] for first in range(0, len(rows), block)):
                path = Path(*(series[part] for series in layer.path))
                draw_objects(clips, layer.clips[part], SHAPES[shape], colours[part], path, bare)
    return clips


def _measured(path: Path, fps: float) -> dict[str, Array]:
    """The size of each object, at its largest, and its speed, the mean way in a second: float[...] of [..., frames]."""
    return {"size": path.radius.max(-1), "speed": np.hypot(np.diff(path.x), np.diff(path.y)).mean(-1) * fps}


def _within(values: Array, limits: tuple[float, float]) -> Array:
    return (limits[0] - 1e-9 <= values) & (values <= limits[1] + 1e-9)


def _reach(objects: Sequence[Request]) -> Array:
    """How far each object reaches from its centre, in radii: float[n]."""
    scales = {name: shape.scale * shape.reach for name, shape in SHAPES.items()}
    return np.array([scales[one.shape or ""] for one in objects])


def _groups(keys: Sequence[Key]) -> dict[Key, Array]:
    """The rows of each key."""
    rows: dict[Key, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return {key: np.array(found) for key, found in rows.items()}
