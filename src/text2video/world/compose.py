"""From a choice of scenes to placed ones: every object on a path of its own, clear of the others."""

import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from text2video.errors import UserError
from text2video.request import Request, Scene
from text2video.world.colours import DICE as PICTURE_DICE
from text2video.world.motions import DICE, Path
from text2video.world.scenes import Layer, clear_of, describe, measure, plan_paths

# Random numbers that choose a clip's triple, its wording, whether its colour is named, and whether over the edge.
CHOICES = 4
# Of a scene: how many objects, whether alike, which comes first, the background, whether it is named, whether overlap
# is allowed.
SCENE_CHOICES = 6
# Of each object: tries for its triple; whether its colour is named, over the edge, size and speed (two each), wording.
TRIES = 8
OBJECT_CHOICES = TRIES + 7
PLACES = 16  # paths that are tried for each object behind the first, until one is clear of the others
ATTEMPTS = 300  # scenes that are tried for a clip, until their objects find room

Array = np.ndarray[Any, Any]


class Dice(NamedTuple):
    """The random numbers of one clip, uniform in [0, 1), or of several, with the clips as first axis."""

    first: Array
    """float[CHOICES + DICE]: of the first object."""
    scene: Array
    """float[SCENE_CHOICES]"""
    picture: Array
    """float[PICTURE_DICE]: of the background."""
    objects: Array
    """float[objects, OBJECT_CHOICES]"""
    places: Array
    """float[objects - 1, PLACES, DICE]: of the paths of all objects but the first."""


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
    caption: str = ""
    """The caption, where it is given."""


class Placed(NamedTuple):
    """Clips before they are drawn."""

    plans: list[Plan]
    """``shown`` with the sizes and speeds that the objects have, "" where there is no word for them."""
    layers: list[Layer]
    pictures: Array
    """float[n, PICTURE_DICE]: the random numbers of the backgrounds."""


def stream(seed: int, name: str, number: int) -> np.random.Generator:
    """Random numbers of their own for each name and number."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), number])


def roll(seed: int, name: str, number: int, attempt: int, n: int, objects: int) -> Dice:
    """The numbers of ``n`` clips for an attempt: with a larger ``n``, those of the first clips stay the same.

    Those of the scene do not change with the attempt, so that scenes of more objects do not become rare.
    """
    more = f"{name}, attempt {attempt}"
    first = stream(seed, name if attempt == 0 else f"{more}, first object", number).random(
        (n, CHOICES + DICE)
    )
    scene = stream(seed, f"{name}, scene", number).random((n, SCENE_CHOICES + PICTURE_DICE))
    own = stream(seed, f"{more}, objects", number).random((n, objects, OBJECT_CHOICES))
    places = stream(seed, f"{more}, places", number).random((n, objects - 1, PLACES, DICE))
    return Dice(first, scene[:, :SCENE_CHOICES], scene[:, SCENE_CHOICES:], own, places)


def compose(
    seed: int,
    name: str,
    number: int,
    n: int,
    objects: int,
    choose: Callable[[Dice], Plan | None],
    frames: int,
    fps: float,
) -> Placed:
    """``n`` clips of at most so many ``objects``, chosen anew until all of them have what they should and find room.

    ``choose`` makes a plan from the numbers of a clip; None is no plan. Raises UserError when some clip has no room.
    """
    plans: list[Plan | None] = [None] * n
    paths = [Path(*(np.zeros((n, frames)) for _ in Path._fields)) for _ in range(objects)]
    pictures = np.zeros((n, PICTURE_DICE))
    for attempt in range(ATTEMPTS):
        todo = [row for row, plan in enumerate(plans) if plan is None]
        if not todo:
            break
        dice = roll(seed, name, number, attempt, n, objects)
        chosen = {row: choose(Dice(*(numbers[row] for numbers in dice))) for row in todo}
        ready = {row: plan for row, plan in chosen.items() if plan}
        rows = np.array(list(ready), int)
        found, fits = _place(list(ready.values()), Dice(*(numbers[rows] for numbers in dice)), frames, fps)
        for row, plan, good in zip(rows, ready.values(), fits, strict=True):
            plans[row] = plan if good else None
        pictures[rows] = dice.picture[rows]
        for whole, part in zip(paths, found, strict=False):
            for series, values in zip(whole, part, strict=True):
                series[rows] = values
    return _described(plans, paths, pictures, fps)


def _described(plans: list[Plan | None], paths: list[Path], pictures: Array, fps: float) -> Placed:
    """The layers of the plans, and the plans with what the objects look like. UserError for what found no room."""
    whole = [plan for plan in plans if plan]
    if len(whole) < len(plans):
        raise UserError(
            "world.objects: their paths, sizes or colours leave no room in the frame or on the background; ask for "
            "fewer objects, smaller ones or other colours, or let them overlap (world.overlap)"
        )
    layers, seen = [], [list(plan.shown.objects) for plan in whole]
    for number, path in enumerate(paths):
        rows = np.array([row for row, plan in enumerate(whole) if len(plan.shown.objects) > number], int)
        part = Path(*(series[rows] for series in path))
        named = describe([seen[row][number] for row in rows], part, fps)
        layers.append(Layer(rows, named, part))
        for row, one in zip(rows, named, strict=True):
            seen[row][number] = one
    shown = [plan.shown._replace(objects=tuple(objects)) for plan, objects in zip(whole, seen, strict=True)]
    plans_ = [plan._replace(shown=scene) for plan, scene in zip(whole, shown, strict=True)]
    return Placed(plans_, layers, pictures)


def _place(plans: list[Plan], dice: Dice, frames: int, fps: float) -> tuple[list[Path], Array]:
    """A path for each object of each plan, float[plans, frames], and whether all of a plan fit, bool[plans]."""
    fits = np.ones(len(plans), bool)
    paths: list[Path] = []
    for number in range(max((len(plan.shown.objects) for plan in plans), default=0)):
        rows = np.array([row for row, plan in enumerate(plans) if len(plan.shown.objects) > number], int)
        numbers = dice.places[rows, number - 1] if number else dice.first[rows, None, CHOICES:]
        tries = numbers.shape[1]
        objects = [plans[row].shown.objects[number] for row in rows for _ in range(tries)]
        edge = np.repeat([plans[row].edge[number] for row in rows], tries)
        path = plan_paths(objects, numbers.reshape(-1, DICE), edge, frames, fps)
        good = _as_asked(objects, path, fps)
        free = np.repeat([plans[row].overlap for row in rows], tries)
        again = np.repeat(rows, tries)
        for earlier, other in enumerate(paths):
            before = [plans[row].shown.objects[earlier] for row in again]
            good &= free | clear_of(path, objects, Path(*(series[again] for series in other)), before)
        good = good.reshape(-1, tries)
        first = np.arange(len(rows)) * tries + good.argmax(1)
        fits[rows] &= good.any(1)
        whole = Path(*(np.zeros((len(plans), frames)) for _ in Path._fields))
        for series, values in zip(whole, path, strict=True):
            series[rows] = values[first]
        paths.append(whole)
    return paths, fits


def _as_asked(objects: list[Request], path: Path, fps: float) -> Array:
    """Whether each object has the size and the speed that it must have: bool[n]."""
    fits = np.ones(len(objects), bool)
    for asked, has in zip(zip(*(one[3:] for one in objects), strict=True), measure(path, fps), strict=True):
        words = np.array(asked, object)
        fits &= (words == has) | (words == None)  # noqa: E711 (of each element)
    return fits
