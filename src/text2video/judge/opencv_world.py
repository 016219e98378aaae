"""A second, independent renderer of the same words, for proving the judge on clips that our own world did not draw.

It shares nothing with the package ``world``: OpenCV fills polygons at several times the size and averages them down,
the colours are others, sizes run from 3 to 12 pixels (of 64), and paths have their own numbers.
"""

from collections.abc import Sequence
from contextlib import suppress
from itertools import combinations

import cv2
import numpy as np

from text2video.judge import rules
from text2video.request import Request, Scene

Array = np.ndarray
Rng = np.random.Generator
Palette = dict[str, tuple[int, int, int]]
COLOURS = {
    "red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "black": (0, 0, 0),
    "yellow": (255, 255, 0), "orange": (255, 140, 0), "purple": (128, 0, 128), "cyan": (0, 220, 220),
}  # fmt: skip
SHADES = {
    "red": (220, 30, 30), "green": (0, 128, 0), "blue": (40, 60, 220), "black": (30, 30, 30),
    "yellow": (225, 200, 20), "orange": (240, 120, 30), "purple": (150, 50, 190), "cyan": (20, 170, 200),
}  # fmt: skip
TONES = {"white": (255, 255, 255), "grey": (190, 190, 190), "blue": (185, 200, 255), "pink": (255, 200, 220),
         "green": (190, 235, 180), "yellow": (255, 245, 170)}  # fmt: skip
PATTERNS = ("striped", "checked", "gradient")
CONTRAST = 130  # least RGB distance of an object to a tone behind it
STEPS = {name: (("right" in name) - ("left" in name), ("down" in name) - ("up" in name)) for name in rules.DIRECTIONS}
SIZES = (3.0, 12.0)  # radius of a circle of the same area, in pixels of a 64-pixel frame
DETAILED = {"star": 4.0, "cross": 4.0, "ring": 4.0}  # whose details cannot be seen in fewer pixels
NAMED_SIZES = {"small": (4.0, 5.5), "large": (8.0, 9.5)}
PACES = {"slowly": (0.0, 0.02), "quickly": (0.6, 1.0)}
SECONDS = 0.9  # that a clip takes, whatever its number of frames


def _outline(corners: int, radii: Sequence[float], first: float) -> Array:
    """Corners about the origin, at ``radii`` by turns and from ``first`` degrees clockwise from the right."""
    at = np.radians(np.arange(corners) * 360 / corners + first)
    return np.resize(radii, corners)[:, None] * np.stack([np.cos(at), np.sin(at)], 1)


# Closed lines, with the area of a circle of radius 1 between them.
OUTLINES = {
    "circle": [_outline(64, [1.0], 0)],
    "square": [_outline(4, [1.2533], 45)],
    "triangle": [_outline(3, [1.5551], -90)],
    "star": [_outline(10, [1.4624, 0.7312], -90)],
    "cross": [1.2410 * np.array([(.3, -1), (.3, -.3), (1, -.3), (1, .3), (.3, .3), (.3, 1),
                                 (-.3, 1), (-.3, .3), (-1, .3), (-1, -.3), (-.3, -.3), (-.3, -1)])],
    "ring": [_outline(64, [1.15], 0), _outline(64, [0.568], 0)],
}  # fmt: skip
REACH = {shape: max(float(np.hypot(*line.T).max()) for line in lines) for shape, lines in OUTLINES.items()}
TRIES = 40  # of each object, until it keeps apart, and of each scene


def draw_clips(
    requests: Sequence[Request],
    seed: int = 0,
    size: int = 64,
    frames: int = 10,
    factor: int = 4,
    colours: Palette = COLOURS,
    radius: float | None = None,
    pace: float | None = None,
    edge: bool = False,
) -> Array:
    """One clip for each fully named request, uint8[N, frames, size, size, 3] on white, drawn ``factor`` times as large.

    ``radius`` in pixels of a 64-pixel frame and ``pace`` (0 slowest, 1 fastest) are drawn at random where None; with
    ``edge``, straight motions end with the centre on the frame's edge.
    """
    rng, clips = np.random.default_rng(seed), []
    for request in requests:
        path = _path(request, rng, size, frames, radius, pace)
        if edge:
            step = np.array(STEPS[request.motion or ""])
            path[:, :2] += np.where(step, (step > 0) * (size - 1) - path[-1, :2], 0)
        clip = np.full((frames, size, size, 3), 255, np.uint8)
        clips.append(_draw(clip, request, path, colours, factor))
    return np.stack(clips)


def draw_scenes(
    scenes: Sequence[Scene], seed: int = 0, size: int = 64, frames: int = 10, overlap: bool = False
) -> Array:
    """One clip for each scene of fully named requests, uint8[N, frames, size, size, 3], on the background that it names
    or on any. With ``overlap``, some two of the objects overlap in some frame, otherwise none do."""
    rng, clips = np.random.default_rng(seed), []
    for scene in scenes:
        inks = np.array([COLOURS[one.colour or ""] for one in scene.objects])
        back = _background(scene.background, inks, rng, size)
        paths = _place(scene, rng, size, frames, overlap)
        clip = np.repeat(back[None], frames, 0)
        for one, path in zip(scene.objects, paths, strict=True):
            clip = _draw(clip, one, path)
        clips.append(clip)
    return np.stack(clips)


def draw_random(
    n: int, seed: int = 0, objects: Sequence[int] = (1, 2, 3), size: int = 64, frames: int = 10, overlap: bool = False
) -> tuple[Array, list[Scene]]:
    """``n`` clips of scenes of any words with so many objects, each number as often, that find room in a frame; and the
    scenes."""
    rng, clips, scenes = np.random.default_rng(seed), list[Array](), list[Scene]()
    while len(scenes) < n:
        scene = _any_scene(rng, objects[len(scenes) % len(objects)])
        with suppress(ValueError):  # no room, or no background for these colours
            clips.append(draw_scenes([scene], int(rng.integers(2**31)), size, frames, overlap=overlap))
            scenes.append(scene)
    return np.concatenate(clips), scenes


def _any_scene(rng: Rng, objects: int) -> Scene:
    """A scene of objects that differ in shape or colour; a third of the sizes, speeds and backgrounds are named."""
    chosen: dict[tuple[str, str], Request] = {}
    while len(chosen) < objects:
        shape, colour, motion = (str(rng.choice(words)) for words in (rules.SHAPES, rules.COLOURS, rules.MOTIONS))
        size, speed = (str(rng.choice(list(words))) if rng.random() < 1 / 3 else None for words in (NAMED_SIZES, PACES))
        grows = motion in ("shrinking", "expanding")
        chosen[shape, colour] = Request(
            shape, colour, motion, None if grows else size, speed if motion in STEPS else None
        )
    background = str(rng.choice([*TONES, *PATTERNS])) if rng.random() < 1 / 3 else None
    return Scene(tuple(chosen.values()), background)


def _place(scene: Scene, rng: Rng, size: int, frames: int, overlap: bool) -> list[Array]:
    """A path for each object, one after the other, each anew until it keeps apart, or touches another."""
    near = -3 * size / 64
    for _ in range(TRIES):
        paths: list[Array] = []
        for one in scene.objects:
            for _ in range(TRIES):
                path = _path(one, rng, size, frames, None if one.size else rng.uniform(4, 9), None)
                gap = _gap(scene, [*paths, path])
                if not paths or (gap < near if overlap else gap > -near):
                    paths.append(path)
                    break
        if len(paths) == len(scene.objects):
            return paths
    raise ValueError(f"no room for {scene}")


def _path(request: Request, rng: Rng, size: int, frames: int, radius: float | None, pace: float | None) -> Array:
    """x, y, radius (pixels), angle (degrees clockwise), float[frames, 4], of one clip."""
    shape, _, motion, named_size, speed = request
    if shape is None or request.colour is None or motion is None:
        raise ValueError("every clip needs its shape, colour and motion named")
    radius = rng.uniform(*NAMED_SIZES.get(named_size or "", SIZES)) if radius is None else radius
    radius = max(radius, DETAILED.get(shape, 0))
    pace = rng.uniform(*PACES.get(speed or "", (0, 1))) if pace is None else pace
    time, unit = np.linspace(0, 1, frames), size / 64
    margin = (REACH[shape] * radius + 1) * unit
    radii, turn = np.full(frames, radius * unit), 0 * time
    if motion in STEPS:
        way = min((0.26 + 0.49 * pace) * size, size - 1 - 2 * margin)
        x, y = (_start(rng, size, margin, step * way) + step * way * time for step in STEPS[motion])
    elif motion.startswith("rotating"):
        turn = (155 + 190 * pace) * (1 if motion.endswith(" clockwise") else -1) * time
        orbit = rng.uniform(8 * unit, max(size / 2 - margin, 9 * unit))
        at = np.radians(rng.uniform(0, 360) + turn)
        x, y = (size - 1) / 2 + orbit * np.cos(at), (size - 1) / 2 + orbit * np.sin(at)
    elif motion in ("shrinking", "expanding"):
        ratio = (3.1 + 3 * pace) ** 0.5
        small = max(min(radius, 16 / ratio), DETAILED.get(shape, 0)) * unit
        radii = small * (1 + (ratio - 1) * (time if motion == "expanding" else 1 - time))
        x, y = (_start(rng, size, REACH[shape] * radii.max() + unit, 0) + 0 * time for _ in "xy")
    else:
        wander = _bounce if motion.startswith("bouncing") else _zigzag
        along, across = wander(rng, time, size, margin, pace)
        x, y = (across, along) if motion.endswith("vertically") else (along, across)
    return np.stack([x, y, radii, turn], 1)


def _gap(scene: Scene, paths: list[Array]) -> float:
    """The least distance between the circles around any two objects with a path, negative where they overlap."""
    rooms = [(path, REACH[one.shape or ""] * path[:, 2]) for one, path in zip(scene.objects, paths, strict=False)]
    pairs = combinations(rooms, 2)
    return min((float((np.hypot(*(p - q)[:, :2].T) - a - b).min()) for (p, a), (q, b) in pairs), default=np.inf)


def _draw(clip: Array, request: Request, path: Array, colours: Palette = COLOURS, factor: int = 4) -> Array:
    """``clip`` uint8[T, size, size, 3] with an object in front, along x, y, radius (pixels) and angle (degrees
    clockwise), float[T, 4]."""
    frames, size = [], clip.shape[1]
    for frame, (x, y, radius, angle) in zip(clip, path, strict=True):
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        turn = radius * np.array([[cos, sin], [-sin, cos]])
        lines = [line @ turn + (x + 0.5, y + 0.5) for line in OUTLINES[request.shape or ""]]
        fixed = [np.round((line * factor - 0.5) * 256).astype(np.int32) for line in lines]  # 8 binary digits
        big = np.zeros((size * factor, size * factor), np.float32)
        cv2.fillPoly(big, fixed, 1.0, lineType=cv2.LINE_8, shift=8)
        cover = cv2.resize(big, (size, size), interpolation=cv2.INTER_AREA)[..., None]
        frames.append(np.round(frame + cover * (np.array(colours[request.colour or ""]) - frame)))
    return np.stack(frames).astype(np.uint8)


def _background(name: str | None, inks: Array, rng: Rng, size: int) -> Array:
    """A background by its name, or any, on which all colours can be seen, uint8[size, size, 3]."""
    tones = [tone for tone in TONES.values() if np.linalg.norm(inks - tone, axis=1).min() >= CONTRAST]
    seen = [key for key, tone in TONES.items() if tone in tones]
    name = name or str(rng.choice([*seen, *(PATTERNS if len(tones) > 1 else ())]))
    if (name in TONES and name not in seen) or (name in PATTERNS and len(tones) < 2):
        raise ValueError(f"objects of these colours cannot be seen on {name}")
    if name in TONES:
        return np.broadcast_to(np.array(TONES[name], np.uint8), (size, size, 3)).copy()
    first, second = np.array(tones, float)[rng.permutation(len(tones))[:2]]
    place = np.arange(4 * size) / (4 * size) - 0.5
    turn = 0 if name == "checked" else rng.uniform(0, np.pi)
    u, v = (np.cos(turn) * place + np.sin(turn) * place[:, None], np.cos(turn) * place[:, None] - np.sin(turn) * place)
    if name == "gradient":
        share = (u - u.min()) / (u.max() - u.min())
    else:
        width, offset = rng.uniform(0.1, 0.18), rng.uniform(0, 2, 2)
        share = np.floor(u / width + offset[0]) % 2
        share = share != np.floor(v / width + offset[1]) % 2 if name == "checked" else share
    share = cv2.resize(share.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)[..., None]
    return np.round(first + share * (second - first)).astype(np.uint8)


def _start(rng: Rng, size: int, margin: float, way: float) -> float:
    """Where a way of that length may start and stay inside."""
    return margin + max(-way, 0) + rng.uniform(0, max(size - 1 - 2 * margin - abs(way), 0))


def _bounce(rng: Rng, time: Array, size: int, margin: float, pace: float) -> tuple[Array, Array]:
    way = min((0.25 + 0.35 * pace) * size, size - 1 - 2 * margin)
    wave = np.abs(2 * ((time / rng.uniform(0.6, 1.1) + rng.uniform()) % 1) - 1)
    return _start(rng, size, margin, way) + way * wave, _start(rng, size, margin, 0) + 0 * time


def _zigzag(rng: Rng, time: Array, size: int, margin: float, pace: float) -> tuple[Array, Array]:
    room = size - 1 - 2 * margin
    way = min((0.3 + 0.4 * pace) * size, room) * rng.choice([-1, 1])
    swing = min(rng.uniform(4, 9) * size / 64, room / 2)
    wave = 4 * np.abs((time / rng.uniform(4 / 9, 7 / 9) + rng.uniform()) % 1 - 0.5) - 1
    return _start(rng, size, margin, way) + way * time, _start(rng, size, margin, 2 * swing) + swing * (1 + wave)
