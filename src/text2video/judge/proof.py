"""The judge, judged: real clips have to come out right, spoilt ones wrong, slightly disturbed ones unchanged.

Works on clips of any renderer, and changes nothing but pixels: the same tables for our own world and for any other.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import cv2
import numpy as np

from text2video.judge import rules
from text2video.judge.backdrops import find_backdrops
from text2video.judge.scenes import Scenes, judge_scenes
from text2video.judge.scores import Requests, Seen, compare
from text2video.judge.verdicts import ASPECTS, Verdicts, judge_clips
from text2video.request import Request, Scene

Array = np.ndarray
BAR = 0.99  # share of clips that have to come out as they should
FEW = 20
EXTREME = 0.1  # share of the clips that count as the smallest, largest, slowest, fastest
REVERSED = {"clockwise": "counter-clockwise", "counter-clockwise": "clockwise", "shrinking": "expanding",
            "expanding": "shrinking", "up": "down", "down": "up", "left": "right", "right": "left"}  # fmt: skip
MIRRORED = {word: REVERSED[word] for word in ("left", "right", "clockwise", "counter-clockwise")}


class Check(NamedTuple):
    """One line of the proof: ``n`` clips, the share that the judge calls right in each aspect, and what is wanted."""

    name: str
    wanted: str  # "right" | "wrong" | "same": verdicts as before, right or not | "told": anything
    n: int
    shape: float
    colour: float
    motion: float
    joint: float

    @property
    def holds(self) -> bool:
        """Whether the joint share is as wanted, but for one clip in a hundred, or one at all of more than
        FEW."""
        if self.wanted == "told":
            return True
        wrong = self.n * (self.joint if self.wanted == "wrong" else 1 - self.joint)
        return round(wrong) <= max(self.n * (1 - BAR), 1 if self.n > FEW else 0)


def prove(clips: Array, asked: Requests, seed: int = 0, fps: float = 10.0) -> list[Check]:
    """Every check for real ``clips`` uint8[N, T, H, W, 3], T at least 3, of one object each or of scenes; those without
    clips are left out (no clip at the edge, say)."""
    seen, rng, checked = _judge(clips, asked, fps), np.random.default_rng(seed), partial(check, fps=fps)
    if isinstance(seen, Scenes):
        scenes, verdicts, same = cast(Sequence[Scene], asked), seen.verdicts, asked
        groups, changed, tracked = _scene_groups(seen, scenes), _changed(clips, scenes, fps), {}
    else:
        verdicts, groups = seen, _groups(seen, cast(Sequence[Request], asked))
        same = [Request(*labels) for labels in zip(seen.shape, seen.colour, seen.motion, strict=True)]
        changed, tracked = iter(()), TRACKED
    hits = compare(seen, asked).right.values()
    checks = [
        Check(name, "right", len(rows), *(float(hit[rows].mean()) for hit in hits))
        for name, rows in groups.items()
        if len(rows)
    ]
    checks += changed
    checks.append(checked("reversed in time", "right", clips[:, ::-1], [_reword(one, REVERSED) for one in asked]))
    checks.append(checked("mirrored", "right", clips[..., ::-1, :], [_reword(one, MIRRORED) for one in asked]))
    for name, disturb in DISTURBED.items():
        wanted = "told" if name == COARSE and isinstance(seen, Scenes) else "same"
        checks.append(checked(name, wanted, disturb(clips, rng), same))
    checks += [checked(name, "wrong", spoil(clips, rng), asked) for name, spoil in SPOILT.items()]
    return checks + [checked(name, "wrong", spoil(clips, verdicts), asked) for name, spoil in tracked.items()]


def _changed(clips: Array, scenes: Sequence[Scene], fps: float) -> Iterator[Check]:
    """The checks of the clips under scenes that they do not show."""
    for name, change in CHANGED.items():
        others = {row: other for row, scene in enumerate(scenes) if (other := change(scene)) is not None}
        if others:
            yield check(name, "wrong", clips[list(others)], list(others.values()), fps)


def _scene_groups(seen: Scenes, scenes: Sequence[Scene]) -> dict[str, Array]:
    """The clips by number of objects, by background and by each word."""
    words = [
        {f"{len(scene.objects)} object{'s'[: len(scene.objects) - 1]}", f"on {shown.background or '(unclear)'}"}
        | {label for one in scene.objects for label in one if label}
        for scene, shown in zip(scenes, seen.seen, strict=True)
    ]
    return {"all": np.arange(len(scenes))} | {
        name: np.flatnonzero([name in row for row in words]) for name in sorted(set().union(*words))
    }


def table(checks: Sequence[Check]) -> str:
    """The proof as text, one line for each check."""
    wide = max(len(c.name) for c in checks)
    lines = [f"{'clips':{wide}}  wanted      n   shape  colour  motion   joint"]
    for c in checks:
        shares = "  ".join(f"{share:6.3f}" for share in (c.shape, c.colour, c.motion, c.joint))
        lines.append(f"{c.name:{wide}}  {c.wanted:6} {c.n:6}  {shares}  {'ok' if c.holds else 'FAILS'}")
    return "\n".join(lines)


def check(name: str, wanted: str, clips: Array, requests: Requests, fps: float = 10.0) -> Check:
    """One check of ``clips`` against ``requests``."""
    hits = compare(_judge(clips, requests, fps), requests).right
    return Check(name, wanted, len(requests), *(float(hit.mean()) for hit in hits.values()))


def _judge(clips: Array, requests: Requests, fps: float) -> Seen:
    """What clips show, seen as scenes if scenes are asked for."""
    return judge_scenes(clips, fps) if isinstance(requests[0], Scene) else judge_clips(clips)


def _groups(verdicts: Verdicts, requests: Sequence[Request]) -> dict[str, Array]:
    """The clips of one object: all, by each label, and at the extremes."""
    few = max(round(EXTREME * len(requests)), 1)
    by_size, by_speed = np.argsort(verdicts.size), np.argsort(verdicts.speed)
    moving = by_speed[np.isin([requests[i].motion for i in by_speed], list(rules.DIRECTIONS))]
    groups = {"all": np.arange(len(requests))}
    for aspect in ASPECTS:
        asked = np.array([getattr(request, aspect) or "" for request in requests])
        groups |= {label: np.flatnonzero(asked == label) for label in np.unique(asked[asked != ""]).tolist()}
    groups |= {"smallest": by_size[:few], "largest": by_size[-few:]}
    groups |= {"slowest straight": moving[:few], "fastest straight": moving[-few:]}
    return groups | {"partly out of the frame": np.flatnonzero(verdicts.tracks.cut.any((1, 2)))}


def _reword(request: Any, swaps: dict[str, str]) -> Any:
    """The request, or scene, with the words of its motions swapped: up-left reversed is down-right."""
    if isinstance(request, Scene):
        return request._replace(objects=tuple(_reword(one, swaps) for one in request.objects))
    if request.motion is None:
        return request
    joint = "-" if request.motion in rules.DIRECTIONS else " "
    return request._replace(motion=joint.join(swaps.get(word, word) for word in request.motion.split(joint)))


# --- disturbed: a viewer would not mind ------------------------------------------------------------------------------


def _each_frame(change: Callable[[Array], Array], clips: Array) -> Array:
    return np.stack([change(frame) for frame in clips.reshape(-1, *clips.shape[2:])]).reshape(clips.shape)


def _jpeg(frame: Array, quality: int = 80) -> Array:
    coded = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]  # OpenCV takes BGR
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))[..., ::-1]


def _noisy(clips: Array, rng: np.random.Generator) -> Array:
    noise = rng.integers(-8, 9, clips.shape, np.int16)
    return np.clip(clips + noise, 0, 255).astype(np.uint8)


DISTURBED: dict[str, Callable[[Array, np.random.Generator], Array]] = {
    "blurred (sigma 0.7)": lambda clips, rng: _each_frame(lambda f: cv2.GaussianBlur(f, (0, 0), 0.7), clips),
    "JPEG (quality 80)": lambda clips, rng: _each_frame(_jpeg, clips),
    "noise (+-8)": _noisy,
    "JPEG (quality 90)": lambda clips, rng: _each_frame(lambda frame: _jpeg(frame, 90), clips),
}
COARSE = "JPEG (quality 80)"  # for scenes: small yellow rings on pale stripes lose their holes, for a viewer too

# --- spoilt: no longer what was asked --------------------------------------------------------------------------------


def _shuffled(clips: Array, rng: np.random.Generator) -> Array:
    """Each clip's frames in another order, that goes back and forth at least T / 2 times: a shuffle may by chance be no
    shuffle."""
    frames = clips.shape[1]
    least = min(frames // 2, frames - 2)
    orders = []
    for _ in clips:
        order = rng.permutation(frames)
        while (np.diff(np.sign(np.diff(order))) != 0).sum() < least:
            order = rng.permutation(frames)
        orders.append(order)
    return np.take_along_axis(clips, np.array(orders)[:, :, None, None, None], 1)


def _moved(clips: Array, verdicts: Verdicts, frame: int, way: float) -> Array:
    """Clips whose object is ``way`` (a share of the frame) away from its place in one frame, towards the far corner."""
    out, (height, width) = clips.copy(), clips.shape[2:4]
    for clip, centre in zip(out, verdicts.tracks.centre[:, frame], strict=True):
        towards = np.where(centre < np.array([width, height]) / 2, way, -way) * min(height, width) / 2**0.5
        shift = np.array([[1, 0, towards[0]], [0, 1, towards[1]]])
        clip[frame] = cv2.warpAffine(clip[frame], shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return out


def _resized(clips: Array, verdicts: Verdicts) -> Array:
    """Clips whose object is a third wider in every other frame."""
    out, (height, width) = clips.copy(), clips.shape[2:4]
    for clip, centres in zip(out, verdicts.tracks.centre, strict=True):
        for frame, (x, y) in list(zip(clip, centres.tolist(), strict=True))[::2]:
            zoom = cv2.getRotationMatrix2D((x, y), 0, 4 / 3)
            frame[:] = cv2.warpAffine(frame, zoom, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return out


def _reshaped(clips: Array, verdicts: Verdicts) -> Array:
    """Clips that show a square for a circle, and else a circle, of the same area in every other frame."""
    out, tracks = clips.copy(), verdicts.tracks
    for row, clip in enumerate(out):
        back = np.median(clip[:, 0], (0, 1))
        for t in range(0, len(clip), 2):
            clip[t] = back
            radius = (tracks.area[row, t] / np.pi) ** 0.5
            _draw(clip[t], tracks.centre[row, t], radius, tracks.colour[row, t], verdicts.shape[row] == "circle")
    return out


def _draw(frame: Array, centre: Array, radius: float, colour: Array, square: bool) -> None:
    """A circle, or a square of the same area, into ``frame`` uint8[H, W, 3]."""
    y, x = np.ogrid[: frame.shape[0], : frame.shape[1]]
    dx, dy = np.abs(x - centre[0]), np.abs(y - centre[1])
    inside = radius * np.pi**0.5 / 2 - np.maximum(dx, dy) if square else radius - np.hypot(dx, dy)
    cover = np.clip(inside + 0.5, 0, 1)[..., None]
    frame[:] = np.round(frame * (1 - cover) + colour * cover)


def _moved_colours(clips: Array) -> Array:
    """Clips whose objects have other colours in every other frame."""
    out, far = clips.copy(), find_backdrops(clips).far
    for clip, mask in zip(out[:, ::2], far[:, ::2], strict=True):
        dark = clip.max(3) < rules.BLACK_BELOW
        other = clip[..., [2, 0, 1]]
        other[dark] = (225, 30, 30)
        clip[mask] = other[mask]
    return out


def _gone(clips: Array) -> Array:
    """Clips that show nothing but their background in one frame."""
    out = clips.copy()
    out[:, clips.shape[1] // 2] = np.round(find_backdrops(clips).picture)
    return out


def _joined(clips: Array, frames: slice) -> Array:
    """Clips with another object in ``frames``: a circle, where there is most room in each."""
    out, far = clips.copy(), find_backdrops(clips).far
    for clip, mask in zip(out, far, strict=True):
        for frame, busy in zip(clip[frames], mask[frames], strict=True):
            framed = np.pad(~busy, 1).astype(np.uint8)
            room = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
            y, x = np.unravel_index(room.argmax(), room.shape)
            radius = min(float(room.max()) - 2.5, len(frame) / 16)
            _draw(frame, np.array([x, y]), radius, np.array([225, 30, 30]), False)
    return out


SPOILT: dict[str, Callable[[Array, np.random.Generator], Array]] = {
    "frames shuffled": _shuffled,
    "still picture": lambda clips, rng: np.repeat(clips[:, :1], clips.shape[1], 1),
    "blank": lambda clips, rng: np.full_like(clips, 255),
    "random pixels": lambda clips, rng: rng.integers(0, 256, clips.shape, np.uint8),
    "gone in one frame": lambda clips, rng: _gone(clips),
    "another object": lambda clips, rng: _joined(clips, slice(None)),
    "another object in one frame": lambda clips, rng: _joined(clips, slice(2, 3)),
    "colours flicker": lambda clips, rng: _moved_colours(clips),
}
TRACKED: dict[str, Callable[[Array, Verdicts], Array]] = {  # where there is one object, whose track is known
    "shape flickers": _reshaped,
    "size flickers": _resized,
    "jumps by a quarter for one frame": lambda clips, verdicts: _moved(clips, verdicts, clips.shape[1] // 2, 0.25),
}

# --- scenes that the clips do not show -------------------------------------------------------------------------------


def _swap(aspect: str, scene: Scene) -> Scene | None:
    """A scene whose first two objects have exchanged an aspect; None where that changes nothing, or may change nothing:
    where one of them leaves its shape, colour or motion open."""
    if len(scene.objects) < 2:
        return None
    one, other = scene.objects[:2]
    if None in (getattr(one, aspect), getattr(other, aspect), *one[: len(ASPECTS)], *other[: len(ASPECTS)]):
        return None
    swapped = (one._replace(**{aspect: getattr(other, aspect)}), other._replace(**{aspect: getattr(one, aspect)}))
    changed = scene._replace(objects=(*swapped, *scene.objects[2:]))
    return None if sorted(map(str, changed.objects)) == sorted(map(str, scene.objects)) else changed


CHANGED: dict[str, Callable[[Scene], Scene | None]] = {
    **{f"{aspect}s swapped": partial(_swap, aspect) for aspect in Request._fields},
    "an object missing": lambda scene: scene._replace(objects=(*scene.objects, scene.objects[0])),
    "an object too many": lambda scene: scene._replace(objects=scene.objects[1:]) if scene.objects[1:] else None,
}
