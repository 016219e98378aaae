"""From tracks to verdicts: shape, colour and motion of each clip, or "" where a viewer could not name them."""

from dataclasses import dataclass

import numpy as np

from text2video.judge import rules
from text2video.judge.backdrops import name_hue
from text2video.judge.motion import name_motions
from text2video.judge.track import Tracks, track

Array = np.ndarray
ASPECTS = ("shape", "colour", "motion")
OUTLINE = ("triangular", "fourfold", "fivefold", "hollow", "elongation", "spread", "area")


@dataclass(frozen=True)
class Verdicts:
    """What the judge sees in N clips of T frames. Lengths in pixels, x to the right, y down, RGB in 0 to 255."""

    shape: Array
    """str[N], "" for unclear."""
    colour: Array
    """str[N]"""
    motion: Array
    """str[N]"""
    detected: Array
    """bool[N]: every frame shows exactly one object; where False the three labels are ""."""
    direction: Array
    """float[N]: of the straight-line fit, degrees counter-clockwise from the right."""
    displacement: Array
    """float[N]: of the straight-line fit from the first to the last frame."""
    residual: Array
    """float[N]: root mean square distance of the centre to the ideal path of the motion."""
    start: Array
    """float[N, 2]: centre in the first frame that shows the object whole."""
    speed: Array
    """float[N]: mean way of the centre per frame."""
    size: Array
    """float[N]: square root of the mean area over the frames that show the object whole."""
    tracks: Tracks
    """The series behind it all: centres, areas, colours per frame."""

    def __len__(self) -> int:
        return len(self.detected)


def take(verdicts: Verdicts, rows: Array) -> Verdicts:
    """The verdicts on the clips ``rows``, int[n]; nothing detected for -1."""

    def pick(values: Array) -> Array:
        blank = np.zeros((1, *values.shape[1:]), values.dtype)  # "", False, 0
        return np.concatenate([values, blank])[rows]

    tracks = Tracks(**{name: pick(values) for name, values in vars(verdicts.tracks).items()})
    own = {name: pick(values) for name, values in vars(verdicts).items() if name != "tracks"}
    return Verdicts(**own, tracks=tracks)


def judge_clips(clips: Array) -> Verdicts:
    """Judge ``clips`` (uint8[N, T, H, W, 3], RGB) from their pixels alone. ValueError for anything else."""
    return name_tracks(track(clips), *clips.shape[2:4])


def name_tracks(tracks: Tracks, height: int, width: int) -> Verdicts:
    """Name what N tracks in frames of that size show."""
    n = len(tracks.present)
    motions = name_motions(tracks, height, width)
    labels = {"shape": _shapes(tracks), "colour": _colours(tracks), "motion": motions["motion"]}
    detected = np.all(tracks.present, axis=1)
    first, used = tracks.whole.argmax(1), tracks.whole.any(1, keepdims=True)
    measured = motions | {
        "start": np.where(used, tracks.centre[np.arange(n), first], 0),
        "size": np.sqrt((tracks.area * tracks.whole).sum(1) / np.maximum(tracks.whole.sum(1), 1)),
    }
    clear = {name: np.where(detected, label, "") for name, label in labels.items()}
    return Verdicts(**(measured | clear), detected=detected, tracks=tracks)


def _shapes(tracks: Tracks) -> Array:
    """Shape of each clip, str[N]: that of the mean outline over the frames that show the object whole, if most of those
    frames show it too."""
    weight = tracks.whole / np.maximum(tracks.whole.sum(1, keepdims=True), 1)
    outline = np.stack([getattr(tracks, name) for name in OUTLINE])
    label = _name_shape((outline * weight).sum(2))
    agree = ((_name_shape(outline) == label[:, None]) * weight).sum(1)
    return np.where(agree >= rules.SHAPE_AGREEMENT, label, "")


def _name_shape(outline: Array) -> Array:
    """Name of the shape with the outline moments ``outline`` float[7, ...] (see track.py) in the order of OUTLINE, ""
    if it is none of ours."""
    triangular, fourfold, fivefold, hollow, elongation, spread, area = outline
    name = np.where(fourfold > rules.SQUARE_FROM, "square", "circle")
    name = np.where(fourfold > rules.CROSS_FROM, "cross", name)
    name = np.where(fivefold > rules.STAR_FROM, "star", name)
    name = np.where(triangular > rules.TRIANGLE_FROM, "triangle", name)
    name = np.where((hollow > rules.RING_FROM) & (name == "circle"), "ring", name)
    clear = (triangular <= rules.MOST_CORNERED) & (fivefold <= rules.MOST_CORNERED)
    clear &= fourfold <= np.where(name == "cross", rules.MOST_CROSSED, rules.MOST_CORNERED)
    most = np.where(name == "ring", rules.MAX_RING_SPREAD, rules.MAX_SPREAD)
    clear &= (elongation <= rules.MAX_ELONGATION) & (spread - rules.BLUR_SPREAD / np.maximum(area, 1) <= most)
    return np.where(clear, name, "")


def _colours(tracks: Tracks) -> Array:
    """Colour of each clip, str[N]: the same name, and nearly the same tone, in every frame but for rests at the edge or
    behind another object."""
    each = _name_colour(tracks.colour)
    rest = tracks.area < rules.COLOUR_AREA * tracks.area.max(1, keepdims=True)
    rest |= tracks.cut.all(2)  # behind another object
    used = tracks.present & (tracks.whole | ~rest)
    shown = np.where((used | ~used.any(1, keepdims=True))[..., None], tracks.colour, np.nan)
    median = np.nanmedian(shown, axis=1)
    label = _name_colour(median)
    jump = np.linalg.norm(tracks.colour - median[:, None], axis=2) > rules.COLOUR_JUMP
    same = ((each == label[:, None]) & ~(jump & tracks.whole)) | ~used
    return np.where(same.all(1), label, "")


def _name_colour(rgb: Array) -> Array:
    """Name of ``rgb`` float[..., 3] (0 to 255), "" if it is none of ours."""
    high = rgb.max(-1)
    chroma = high - rgb.min(-1)
    dark = np.where(high < rules.BLACK_BELOW, "black", "")
    return np.where(chroma >= rules.MIN_CHROMA, name_hue(rgb), dark)
