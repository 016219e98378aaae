"""From a choice of scenes to placed ones: every object on a path of its own, clear of the others."""

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from text2video.errors import UserError
from text2video.request import Scene
from text2video.world.colours import DICE as PICTURE_DICE
from text2video.world.motions import DICE, Path
from text2video.world.scenes import Layer, apart, as_asked, describe, plan_paths

# Random numbers that choose a clip's triple, its wording, whether its colour is named, and whether over the edge.
CHOICES = 4
# Of a scene: how many objects, whether alike, which comes first, the background, whether it is named, whether overlap
# is allowed; and the picture of the background.
SCENE = 6 + PICTURE_DICE
# Of each object: tries for its triple; whether its colour is named, over the edge, size and speed (two each), wording.
TRIES = 8
OBJECT = TRIES + 7
PLACES = 16  # paths that are tried for each object behind the first, until one is clear of the others
MORE_PLACES = 64  # and in further attempts
ATTEMPTS = 400  # scenes that are tried for a clip, until their objects find room,
ABREAST = 100  # so many at once of all clips that have none yet

Array = np.ndarray[Any, Any]


class Dice(NamedTuple):
    """The random numbers of a clip, uniform in [0, 1)."""

    first: list[float]
    """CHOICES numbers of the first object."""
    scene: list[float]
    """SCENE numbers."""
    objects: list[list[float]]
    """OBJECT numbers of each object."""


class Plan(NamedTuple):
    """A clip before it is placed."""

    shown: Scene
    """Shape, colour and motion of each object, the size and speed that it must have or None, and the background."""
    said: Scene
    """What the caption names; None for what it leaves open."""
    edge: tuple[bool, ...]
    """Whether each object may enter or leave over the edge."""
    overlap: bool = False
    """Whether objects may pass in front of each other."""
    wordings: tuple[str, ...] = ()
    """The motion of each object in plain words."""
    caption: str | None = None
    """The caption, where it is given."""


class Numbers(NamedTuple):
    """The random numbers of scenes that are tried for clips, uniform in [0, 1)."""

    clips: Array
    """int[m]: the number of the clip of each."""
    first: Array
    """float[m, CHOICES + DICE]: of the first object and its path."""
    own: Array
    """float[m, objects, OBJECT]"""
    places: Array
    """float[m, objects - 1, places, DICE]: of the paths of the other objects."""


def stream(seed: int, name: str, *numbers: int) -> np.random.Generator:
    """Random numbers of their own for each name and numbers."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), *numbers])


def compose(
    seeds: tuple[int, str, int], n: int, objects: int, choose: Callable[[Dice], Plan | None], frames: int, fps: float
) -> tuple[list[Plan], list[Layer], Array]:
    """Plan ``n`` clips of at most so many ``objects``, and find a path for each object.

    ``choose`` makes a plan from the numbers of a clip, or None where they do not suit. What a clip becomes depends on
    the ``seeds`` (of the world, of the split, of the draw) and its place alone. Returns the plans with the sizes and
    speeds that the objects have, the objects by layers, and the numbers of the backgrounds, float[n, PICTURE_DICE].
    Raises UserError when the scenes that are tried find no room.
    """
    seed, name, number = seeds
    # What a scene is to be stays, however often it is tried: else scenes of three objects would become rare.
    scene = stream(seed, f"{name}, scene", number).random((n, SCENE))
    numbers = Numbers(
        np.arange(n),
        stream(seed, name, number).random((n, CHOICES + DICE)),
        stream(seed, f"{name}, objects", number).random((n, objects, OBJECT)),
        stream(seed, f"{name}, places", number).random((n, objects - 1, PLACES, DICE)),
    )
    plans: dict[int, Plan] = {}
    paths = [Path(*(np.zeros((n, frames)) for _ in Path._fields)) for _ in range(objects)]
    more: dict[int, np.random.Generator] = {}
    todo, tried = list(range(n)), 0
    while todo and tried < ATTEMPTS:
        if tried:
            more = {clip: more.get(clip) or stream(seed, f"{name}, again", number, clip) for clip in todo}
            numbers = _again(more, objects)
        tried += max(1, len(numbers.clips) // len(todo))
        dice = zip(numbers.first.tolist(), scene[numbers.clips].tolist(), numbers.own.tolist(), strict=True)
        chosen = [choose(Dice(*clip)) for clip in dice]
        ready = [plan for plan in chosen if plan]
        numbers = Numbers(*(column[[plan is not None for plan in chosen]] for column in numbers))
        found, fits = _place(ready, numbers, frames, fps)
        for row in np.flatnonzero(fits)[::-1].tolist():  # of several that fit, the first one stays
            plans[clip := int(numbers.clips[row])] = ready[row]
            for whole, part in zip(paths, found, strict=False):
                for series, values in zip(whole, part, strict=True):
                    series[clip] = values[row]
        todo = [clip for clip in todo if clip not in plans]
    if todo:
        raise UserError(
            f"{name}: its objects find no room in the frame, or no background on which they can be seen; ask for "
            "fewer, smaller or others, or let them overlap (world.overlap)"
        )
    return *_described([plans[clip] for clip in range(n)], paths, fps), scene[:, -PICTURE_DICE:]


def _again(streams: Mapping[int, np.random.Generator], objects: int) -> Numbers:
    """Numbers for more tries of some clips, as many at once as make ABREAST scenes."""
    shapes = ((CHOICES + DICE,), (objects, OBJECT), (objects - 1, MORE_PLACES, DICE))
    lengths = [math.prod(shape) for shape in shapes]
    tries = max(1, ABREAST // len(streams))
    block = np.concatenate([rng.random((tries, sum(lengths))) for rng in streams.values()])
    parts = np.split(block, np.cumsum(lengths)[:-1], axis=1)
    columns = [part.reshape(len(block), *shape) for part, shape in zip(parts, shapes, strict=True)]
    return Numbers(np.repeat(list(streams), tries), *columns)


def _place(plans: Sequence[Plan], numbers: Numbers, frames: int, fps: float) -> tuple[list[Path], Array]:
    """A path for each object of each plan, float[plans, frames], and whether all of a plan fit, bool[plans]."""
    fits, counts = np.ones(len(plans), bool), np.array([len(plan.shown.objects) for plan in plans], int)
    overlap = np.array([plan.overlap for plan in plans], bool)
    paths: list[Path] = []
    for layer in range(counts.max(initial=0)):
        rows = np.flatnonzero(counts > layer)
        some = [plans[row] for row in rows.tolist()]
        objects = [plan.shown.objects[layer] for plan in some]
        edge = np.array([plan.edge[layer] for plan in some])
        dice = numbers.places[rows, layer - 1] if layer else numbers.first[rows, None, CHOICES:]
        path = plan_paths(objects, dice, edge, frames, fps, counts[rows] > 1)
        good = as_asked(objects, path, fps)
        for earlier, other in enumerate(paths):
            before = [plan.shown.objects[earlier] for plan in some]
            clear = apart(path, objects, Path(*(series[rows] for series in other)), before)
            good &= clear | overlap[rows, None]
        fits[rows] &= good.any(1)
        whole = Path(*(np.zeros((len(plans), frames)) for _ in Path._fields))
        for series, values in zip(whole, path, strict=True):
            series[rows] = values[np.arange(len(rows)), good.argmax(1)]
        paths.append(whole)
    return paths, fits


def _described(plans: list[Plan], paths: list[Path], fps: float) -> tuple[list[Plan], list[Layer]]:
    """The plans with the sizes and speeds that the objects have, and the objects by layers."""
    layers, seen = [], [list(plan.shown.objects) for plan in plans]
    for number, path in enumerate(paths):
        rows = np.array([row for row, objects in enumerate(seen) if len(objects) > number], int)
        part = Path(*(series[rows] for series in path))
        layer = Layer(rows, describe([seen[row][number] for row in rows], part, fps), part)
        for row, one in zip(rows, layer.objects, strict=True):
            seen[row][number] = one
        layers.append(layer)
    shown = [plan.shown._replace(objects=tuple(objects)) for plan, objects in zip(plans, seen, strict=True)]
    return [plan._replace(shown=scene) for plan, scene in zip(plans, shown, strict=True)], layers
