"""From pixels to the tracks of several objects before any plain or simply patterned background."""

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from text2video.judge import rules
from text2video.judge.backdrops import find_backdrops
from text2video.judge.track import CHUNK, Ink, Tracks, check_clips, core_means, moments

Array = NDArray[Any]
GAP = rules.REGION_MARGIN + 1  # empty rows between frames that are stacked into one tall image


@dataclass(frozen=True)
class Objects:
    """What is found in N clips: M objects in all, those of one clip together."""

    tracks: Tracks
    """Of the M objects. Where another hides part of an object, it counts as cut off on all sides."""
    clip: Array
    """int[M]: the number of each object's clip."""
    background: Array
    """str[N]: a colour's or a pattern's name."""
    clean: Array
    """bool[N]: whether there is nothing else to be seen, but for specks."""


class _Blobs(NamedTuple):
    """Connected regions that differ from the background, B in all, the first of which is none."""

    frame: Array
    """int[B]: number of the frame, of all clips' frames."""
    centre: Array
    """float[B, 2]: x, y."""
    area: Array
    """float[B]"""
    colour: Array
    """float[B, 3]: mean RGB of the pixels that differ most from the background."""
    touches: Array
    """bool[B]: whether it was told from a neighbour by its colour only."""


class _Pixels(NamedTuple):
    """The pixels that are not background."""

    ink: Ink
    colour: Array
    """float32[P, 3]"""
    back: Array
    """float32[P, 3]: the background behind each."""


def find_objects(clips: Array) -> Objects:
    """Find and follow the objects of ``clips`` uint8[N, T, H, W, 3]. ValueError for arrays of another type or form."""
    check_clips(clips)
    starts = range(0, max(len(clips), 1), CHUNK)
    parts = [_find(clips[i : i + CHUNK]) for i in starts]
    tracks = {
        f.name: np.concatenate([getattr(part.tracks, f.name) for part in parts]) for f in fields(Tracks)
    }
    return Objects(
        tracks=Tracks(**tracks),
        clip=np.concatenate([part.clip + i for i, part in zip(starts, parts, strict=True)]),
        background=np.concatenate([part.background for part in parts]),
        clean=np.concatenate([part.clean for part in parts]),
    )


def _find(clips: Array) -> Objects:
    """:func:`find_objects` for a few clips."""
    n, t, height, width = clips.shape[:4]
    size, scale = height * width, (min(height, width) / 64) ** 2
    behind = find_backdrops(clips)
    far = behind.far.reshape(n * t, size)
    crowded = far.sum(1) > rules.MAX_INK * size
    index = np.flatnonzero(far & ~crowded[:, None])
    frame = index // size
    colour = clips.reshape(-1, 3)[index].astype(np.float32)
    back = behind.picture.reshape(-1, 3)[frame // t * size + index % size]
    pixels = _Pixels(Ink(index, frame, np.linalg.norm(colour - back, axis=1)), colour, back)
    labels, blobs = _label(pixels, (n, t, height, width))
    blob = np.concatenate([np.zeros((0, t), int), *_follow(blobs, n, t, min(height, width))])
    clip = blobs.frame[blob.max(1)] // t
    slot = np.full(len(blobs.frame), -1)
    slot[blob[blob > 0]] = np.flatnonzero(blob.reshape(-1) > 0)
    owner = slot[_grow(labels, pixels.ink, n * t, height, width)]
    stray = pixels.ink.sum((pixels.ink.distance >= rules.OBJECT_LEVEL) & (owner < 0), n * t)
    mine = owner >= 0
    own = _Pixels(Ink(index[mine], owner[mine], pixels.ink.distance[mine]), colour[mine], back[mine])
    return Objects(
        tracks=_measure(own, blobs, blob, clip, height, width),
        clip=clip,
        background=behind.name,
        clean=~((stray >= rules.STRAY_AREA * scale) | crowded).reshape(n, t).any(1),
    )


# --- regions of one frame --------------------------------------------------------------------------------------------


def _label(pixels: _Pixels, shape: tuple[int, int, int, int]) -> tuple[Array, _Blobs]:
    """The blob of each pixel, int[P] (0 for none), and the blobs.

    Where a frame shows fewer blobs than another of its clip, blobs are parted by the colours of that other frame.
    """
    n, t, height, width = shape
    ink, least = pixels.ink, rules.MIN_AREA * (min(height, width) / 64) ** 2
    mask = ink.distance >= rules.OBJECT_LEVEL
    labels = np.zeros(len(mask), int)
    labels[mask] = _connect(ink.keep(mask), n * t, height, width)
    labels = _renumber(labels, np.bincount(labels) >= least)
    blobs = _describe(labels, pixels, height * width, width)
    count = np.bincount(blobs.frame[1:], minlength=n * t).reshape(n, t)
    parted = np.zeros(len(labels), bool)
    for clip, frame in np.argwhere((count < count.max(1, initial=0, keepdims=True)) & (count > 0)):
        colours = blobs.colour[1:][blobs.frame[1:] == clip * t + count[clip].argmax()]
        first, end = np.searchsorted(ink.frame, [clip * t + frame, clip * t + frame + 1])
        inside = first + np.flatnonzero(mask[first:end])
        part = _Pixels(ink.keep(inside), pixels.colour[inside], pixels.back[inside])
        new = _part(
            part._replace(
                ink=Ink(part.ink.index - (clip * t + frame) * height * width, 0 * inside, part.ink.distance)
            ),
            colours,
            height,
            width,
            least,
        )
        if new.max(initial=0) > count[clip, frame]:
            labels[inside] = np.where(new > 0, new + labels.max(), 0)
            parted[inside] = True
    if parted.any():
        labels = _renumber(labels, np.bincount(labels) > 0)
        blobs = _describe(labels, pixels, height * width, width)
        blobs.touches[np.unique(labels[parted])] = True
    return labels, blobs


def _part(pixels: _Pixels, colours: Array, height: int, width: int, least: float) -> Array:
    """The blob of each pixel of one frame, int[P]: each blob has one of ``colours`` [K, 3], as often as that is there,
    and at least so many pixels; the rest goes to the nearest."""
    group = (np.linalg.norm(colours[:, None] - colours, axis=2) < rules.SAME_COLOUR).argmax(1)
    rest = []
    for colour in colours:
        way, off = colour - pixels.back, pixels.colour - pixels.back
        share = (off * way).sum(1) / np.maximum((way * way).sum(1), 1)
        rest.append(np.linalg.norm(off - np.clip(share, 0, 1)[:, None] * way, axis=1))
    nearest, labels = group[np.array(rest).argmin(0)], np.zeros(len(pixels.colour), int)
    for one in np.unique(group):
        rows = np.flatnonzero(nearest == one)
        found = _connect(pixels.ink.keep(rows), 1, height, width)
        sizes = np.bincount(found, minlength=1)
        sizes[0] = 0
        kept = np.zeros(len(sizes), bool)
        kept[np.argsort(-sizes)[: (group == one).sum()]] = True
        found = _renumber(found, kept & (sizes >= least))
        labels[rows] = np.where(found > 0, found + labels.max(), 0)
    lost, kept = np.flatnonzero(labels == 0), np.flatnonzero(labels > 0)
    place = np.stack(np.divmod(pixels.ink.index, width), 1)
    if len(lost) and len(kept):
        labels[lost] = labels[kept[np.abs(place[lost, None] - place[kept]).max(2).argmin(1)]]
    return labels


def _connect(ink: Ink, frames: int, height: int, width: int) -> Array:
    """The 8-connected region of each pixel, int[P], from 1."""
    if not len(ink.index):
        return np.zeros(0, int)
    tall = np.zeros((frames * (height + GAP), width), np.uint8)
    place = ink.index + ink.frame * (GAP * width)
    tall.reshape(-1)[place] = 1
    return np.asarray(cv2.connectedComponents(tall, connectivity=8)[1].reshape(-1)[place], int)


def _renumber(labels: Array, keep: Array) -> Array:
    """Labels from 1, without those that are not to keep, bool[labels]."""
    keep[:1] = False
    return np.where(keep, keep.cumsum(), 0)[labels] if len(keep) else labels


def _describe(labels: Array, pixels: _Pixels, size: int, width: int) -> _Blobs:
    """What the blobs look like."""
    ink, blobs = pixels.ink, labels.max(initial=0) + 1
    frame = np.zeros(blobs, int)
    frame[labels] = ink.frame
    area = np.maximum(np.bincount(labels, minlength=blobs), 1)
    y, x = np.divmod(ink.index % size, width)
    centre = np.stack([np.bincount(labels, place, blobs) / area for place in (x, y)], 1)
    colour, _ = core_means(labels, ink.distance, pixels.colour, blobs)
    return _Blobs(frame, centre, area.astype(float), np.stack(colour, 1), np.zeros(blobs, bool))


def _grow(labels: Array, ink: Ink, frames: int, height: int, width: int) -> Array:
    """The blobs of the pixels, int[P], with those in the margin around them."""
    tall = np.zeros((frames * (height + GAP), width), np.float32)
    place = ink.index + ink.frame * (GAP * width)
    tall.reshape(-1)[place] = labels
    kernel = np.ones((3, 3), np.uint8)
    for _ in range(rules.REGION_MARGIN if tall.size else 0):
        tall = np.where(tall == 0, cv2.dilate(tall, kernel), tall)
    return np.asarray(tall.reshape(-1)[place], int)


# --- from frame to frame ---------------------------------------------------------------------------------------------


def _follow(blobs: _Blobs, n: int, t: int, side: int) -> list[Array]:
    """The numbers of the blobs of each object, int[objects, t] for each of n clips; 0 where there is none."""
    order = np.argsort(blobs.frame[1:], kind="stable") + 1
    ends = np.searchsorted(blobs.frame[order], np.arange(n * t + 1))
    found = []
    for clip in range(n):
        frames = [order[ends[i] : ends[i + 1]] for i in range(clip * t, (clip + 1) * t)]
        counts = [len(frame) for frame in frames]
        most = min(max(counts), rules.MOST_OBJECTS)
        track = np.zeros((most, t), int)
        start = int(np.argmax(counts))
        track[:, start] = frames[start][:most]
        if most == 1:
            track[0] = [frame[0] if len(frame) else 0 for frame in frames]
        elif most:
            for way in (range(start + 1, t), range(start - 1, -1, -1)):
                _continue(track, way, frames, blobs, side)
        found.append(track)
    return found


def _continue(track: Array, way: range, frames: list[Array], blobs: _Blobs, side: int) -> None:
    """Go on with the objects of ``track`` [K, T] from the frame before those of ``way``, in place.

    In each frame, blobs go to objects at the least sum of costs: the change of colour, the distance from where the
    object was or would be if it went on as before, and the change of area.
    """
    if not len(way):
        return
    last = track[:, way[0] - way.step]
    colour, area, place = blobs.colour[last], blobs.area[last], blobs.centre[last]
    velocity = np.zeros_like(place)
    for frame in way:
        here = frames[frame]
        near = np.minimum(
            *(np.linalg.norm(p[:, None] - blobs.centre[here], axis=2) for p in (place, place + velocity))
        )
        shade = np.linalg.norm(colour[:, None] - blobs.colour[here], axis=2)
        growth = np.abs(np.log(area[:, None] / blobs.area[here]))
        cost = shade / rules.SAME_COLOUR + near / (rules.MAX_OFF * side) + growth
        rows, columns = linear_sum_assignment(cost)
        track[rows, frame] = chosen = here[columns]
        moved = blobs.centre[chosen] - place[rows]
        place = place + velocity  # of those that are hidden
        velocity[rows], place[rows], area[rows] = moved, blobs.centre[chosen], blobs.area[chosen]


def _measure(own: _Pixels, blobs: _Blobs, blob: Array, clip: Array, height: int, width: int) -> Tracks:
    """The tracks of objects with the blobs ``blob`` int[M, T] in the clips ``clip`` int[M]; the frames of ``own`` are
    numbers of blobs in ``blob``."""
    objects, t = blob.shape
    slots, scale = objects * t, (min(height, width) / 64) ** 2
    shown = blob > 0
    ink = own.ink
    tone = np.nanmedian(np.where(shown[..., None], blobs.colour[blob], np.nan), axis=1)
    way = tone[ink.frame // t] - own.back
    coverage = ((own.colour - own.back) * way).sum(1) / np.maximum((way * way).sum(1), 1)
    coverage = np.clip(coverage, 0, 1).astype(float)
    seen = np.column_stack([own.colour, ink.distance])
    (*rgb, contrast), _ = core_means(ink.frame, coverage, seen, slots)
    y, x = np.divmod(ink.index % (height * width), width)
    found = moments(ink, coverage, x, y, slots)
    area = found["area"]
    usual = np.repeat(np.quantile(contrast.reshape(objects, t), 0.75, axis=1), t) if objects else contrast
    present = (contrast >= rules.FADE * usual) & (usual >= rules.MIN_CONTRAST)
    present &= (area >= rules.MIN_AREA * scale) & (area <= rules.MAX_AREA * height * width)
    rims = (x == 0, y == 0, x == width - 1, y == height - 1)
    cut = np.stack([ink.sum(rim & (coverage >= rules.EDGE_LEVEL), slots) > 0 for rim in rims], 1)
    found |= {"cut": cut, "colour": np.stack(rgb, 1)}
    found = {k: np.where(present.reshape(-1, *[1] * (v.ndim - 1)), v, 0) for k, v in found.items()}
    found |= {"present": present, "whole": present & ~cut.any(1)}
    found = {name: value.reshape(objects, t, *value.shape[1:]) for name, value in found.items()}
    hidden = _partly_hidden(found["area"], found["whole"], blobs.touches[blob] & shown)
    found["cut"] |= hidden[..., None]
    found["whole"] &= ~hidden
    return _with_hidden(Tracks(**found), shown, clip)


def _partly_hidden(area: Array, whole: Array, touching: Array) -> Array:
    """Whether an object that touches another shows less than the area [M, T] that it has, going by the frames in which
    it stands alone, bool[M, T]."""
    hidden = touching.copy()
    for row in np.flatnonzero(touching.any(1)):
        alone = np.flatnonzero(whole[row] & ~touching[row])
        if len(alone):
            usual = np.interp(np.arange(area.shape[1]), alone, area[row, alone])
            hidden[row] &= np.abs(area[row] - usual) > rules.HIDDEN_SHARE * usual
    return hidden


def _with_hidden(tracks: Tracks, shown: Array, clip: Array) -> Tracks:
    """The tracks, with objects present where they pass behind or before another that they cannot be told from."""
    reach = np.sqrt((tracks.area * tracks.whole).max(1, initial=0))
    for row, frame in np.argwhere(~shown):
        seen = np.flatnonzero(tracks.whole[row])
        if not len(seen):
            continue
        place = np.array([np.interp(frame, seen, tracks.centre[row, seen, axis]) for axis in (0, 1)])
        others = np.flatnonzero((clip == clip[row]) & (np.arange(len(clip)) != row) & shown[:, frame])
        apart = np.linalg.norm(tracks.centre[others, frame] - place, axis=1)
        close = others[apart <= reach[others] + reach[row]]
        if len(close):
            tracks.centre[row, frame] = place
            for one in (row, *close):
                tracks.present[one, frame], tracks.whole[one, frame], tracks.cut[one, frame] = (
                    True,
                    False,
                    True,
                )
    return tracks
