"""From pixels to the tracks of several objects before any plain or simply patterned background."""

from typing import NamedTuple

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from text2video.judge import rules
from text2video.judge.backdrops import Backdrops, find_backdrops
from text2video.judge.track import CHUNK, GAP, Ink, Tracks, chunks, connect, core_means, dot, join, measure, stack

Array = np.ndarray


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

    def keep(self, which: Array, frame: Array) -> "_Pixels":
        """Only the pixels ``which``, in other frames, int[p]."""
        return _Pixels(self.ink.keep(which, frame), self.colour[which], self.back[which])


def find_objects(clips: Array) -> tuple[Tracks, Array, Array, Array]:
    """Find and follow the M objects of N ``clips`` uint8[N, T, H, W, 3], those of one clip together.

    Returns their tracks (where another hides part of an object, it counts as cut off on all sides), the number of each
    one's clip, int[M], the name of each clip's background, str[N], and whether there is nothing else to be seen, but
    for specks, bool[N]. ValueError for arrays of another type or form.
    """
    tracks, owners, names, clean = zip(*map(_find, chunks(clips)), strict=True)
    clip = np.concatenate([owner + i * CHUNK for i, owner in enumerate(owners)])
    return join(tracks), clip, np.concatenate(names), np.concatenate(clean)


def _find(clips: Array) -> tuple[Tracks, Array, Array, Array]:
    """:func:`find_objects` for a few clips."""
    n, t, height, width = clips.shape[:4]
    size, scale = height * width, (min(height, width) / 64) ** 2
    behind = find_backdrops(clips)
    crowded = behind.far.reshape(n * t, size).sum(1) > rules.MAX_INK * size
    pixels = _find_pixels(clips, behind, crowded)
    labels, blobs = _label(pixels, (n, t, height, width))
    blob = np.concatenate([np.zeros((0, t), int), *_follow(blobs, n, t, min(height, width))])
    clip = blobs.frame[blob.max(1)] // t
    slot = np.full(len(blobs.frame), -1)
    slot[blob[blob > 0]] = np.flatnonzero(blob.reshape(-1) > 0)
    owner = slot[_grow(labels, pixels.ink, n * t, height, width)]
    stray = pixels.ink.sum((pixels.ink.distance >= rules.OBJECT_LEVEL) & (owner < 0), n * t)
    mine = owner >= 0
    tracks = _measure(pixels.keep(mine, owner[mine]), blobs, blob, clip, height, width)
    return tracks, clip, behind.name, ~((stray >= rules.STRAY_AREA * scale) | crowded).reshape(n, t).any(1)


def _find_pixels(clips: Array, behind: Backdrops, crowded: Array) -> _Pixels:
    """The pixels that are not background; none of the frames ``crowded``, bool[N T]."""
    n, t, height, width = clips.shape[:4]
    size = height * width
    index = np.flatnonzero(behind.far.reshape(n * t, size) & ~crowded[:, None])
    frame, pixel = np.divmod(index, size)
    colour = clips.reshape(-1, 3)[index].astype(np.float32)
    back = behind.picture.reshape(n, size, 3)[frame // t, pixel]
    away = colour - back
    return _Pixels(Ink(pixel, frame, np.sqrt(dot(away, away))), colour, back)


# --- regions of one frame --------------------------------------------------------------------------------------------


def _label(pixels: _Pixels, shape: tuple[int, int, int, int]) -> tuple[Array, _Blobs]:
    """The blob of each pixel, int[P] (0 for none), and the blobs.

    Where a frame shows fewer blobs than another of its clip, blobs are parted by the colours of that other frame.
    """
    n, t, height, width = shape
    ink, least = pixels.ink, rules.MIN_AREA * (min(height, width) / 64) ** 2
    mask = ink.distance >= rules.OBJECT_LEVEL
    labels = np.zeros(len(mask), int)
    labels[mask] = connect(ink.keep(mask), n * t, height, width)
    labels = _renumber(labels, np.bincount(labels) >= least)
    blobs = _describe(labels, pixels, width)
    count = np.bincount(blobs.frame[1:], minlength=n * t)
    by_clip = count.reshape(n, t)
    most = by_clip.argmax(1) + np.arange(n) * t  # the frame of each clip with the most blobs
    few = np.flatnonzero((by_clip < by_clip.max(1, keepdims=True)) & (by_clip > 0))  # to be parted, F frames
    number = np.full(n * t, -1)
    number[few] = np.arange(len(few))
    inside = np.flatnonzero(mask & (number[ink.frame] >= 0))
    if not len(inside):
        return labels, blobs
    fullest = most[few // t]
    colours = np.full((len(few), count[fullest].max(), 3), np.nan)
    firsts = np.searchsorted(blobs.frame[1:], fullest) + 1
    for row, first, blobs_there in zip(colours, firsts, count[fullest], strict=True):
        row[:blobs_there] = blobs.colour[first : first + blobs_there]
    frame = number[ink.frame[inside]]
    new = _part(pixels.keep(inside, frame), colours, height, width, least)
    owner = np.zeros(new.max() + 1, int)
    owner[new] = frame
    better = (np.bincount(owner[1:], minlength=len(few)) > count[few])[frame]
    if better.any():
        labels[inside[better]] = labels.max() + new[better]
        labels = _renumber(labels, np.bincount(labels) > 0)
        blobs = _describe(labels, pixels, width)
        blobs.touches[labels[inside[better]]] = True
    return labels, blobs


def _part(pixels: _Pixels, colours: Array, height: int, width: int, least: float) -> Array:
    """The blob of each pixel of F frames, int[P]: each blob has one of the colours of its frame [F, K, 3] (NaN for
    none), as often as that is there, and at least so many pixels; the rest goes to the nearest. 0 in frames without."""
    frame, off = pixels.ink.frame, pixels.colour - pixels.back
    group = np.full(colours.shape[:2], -1)  # of each colour: the first one of the same look
    nearest, best = np.zeros(len(frame), int), np.full(len(frame), np.inf)
    for k in range(colours.shape[1]):
        known = ~np.isnan(colours[:, k, 0])
        alike = np.linalg.norm(colours - colours[:, k, None], axis=2) < rules.SAME_COLOUR
        group[known, k] = alike.argmax(1)[known]
        rows = np.flatnonzero(known[frame])
        way = colours[frame[rows], k] - pixels.back[rows]
        share = np.clip(dot(off[rows], way) / np.maximum(dot(way, way), 1), 0, 1)
        rest = off[rows] - share[:, None] * way
        distance = dot(rest, rest)
        closer = distance < best[rows]
        rows = rows[closer]
        nearest[rows], best[rows] = group[frame[rows], k], distance[closer]
    labels = np.zeros(len(frame), int)
    for one in np.unique(nearest):
        rows = np.flatnonzero(nearest == one)
        found = connect(pixels.ink.keep(rows), len(colours), height, width, GAP + (height + GAP) % 2)
        sizes, owner = np.bincount(found), np.zeros(found.max() + 1, int)
        owner[found] = frame[rows]
        order, rank = np.lexsort((-sizes, owner)), np.empty(len(sizes), int)  # of each frame the largest first
        rank[order] = np.arange(len(order)) - np.searchsorted(owner[order], owner[order])
        most = (group == one).sum(1)  # no more regions in a frame than colours
        found = _renumber(found, (rank < most[owner]) & (sizes >= least))
        labels[rows] = np.where(found > 0, found + labels.max(), 0)
    place = np.column_stack(np.divmod(pixels.ink.pixel, width))
    ends = np.searchsorted(frame, np.arange(len(colours) + 1))
    for one in np.unique(frame[labels == 0]):
        inside = np.arange(ends[one], ends[one + 1])
        lost, kept = inside[labels[inside] == 0], inside[labels[inside] > 0]
        if len(kept):
            labels[lost] = labels[kept[cdist(place[lost], place[kept], "chebyshev").argmin(1)]]
    return labels


def _renumber(labels: Array, keep: Array) -> Array:
    """Labels from 1, without those that are not to keep, bool[labels]."""
    keep[:1] = False
    return np.where(keep, keep.cumsum(), 0)[labels] if len(keep) else labels


def _describe(labels: Array, pixels: _Pixels, width: int) -> _Blobs:
    """What the blobs look like."""
    ink, blobs = pixels.ink, labels.max(initial=0) + 1
    frame = np.zeros(blobs, int)
    frame[labels] = ink.frame
    area = np.maximum(np.bincount(labels, minlength=blobs), 1)
    y, x = np.divmod(ink.pixel, width)
    centre = np.stack([np.bincount(labels, place, blobs) / area for place in (x, y)], 1)
    colour = core_means(labels, ink.distance, pixels.colour, blobs)
    return _Blobs(frame, centre, area.astype(float), colour, np.zeros(blobs, bool))


def _grow(labels: Array, ink: Ink, frames: int, height: int, width: int) -> Array:
    """The blobs of the pixels, int[P], with those in the margin around them."""
    tall, place = stack(ink, labels.astype(np.float32), frames, height, width)
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
        near = np.minimum(*(np.linalg.norm(p[:, None] - blobs.centre[here], axis=2) for p in (place, place + velocity)))
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
    shown, ink = blob > 0, own.ink
    tone = np.nanmedian(np.where(shown[..., None], blobs.colour[blob], np.nan), axis=1)
    way = tone[ink.frame // t] - own.back
    coverage = dot(own.colour - own.back, way) / np.maximum(dot(way, way), 1)
    coverage = np.clip(coverage, 0, 1).astype(float)
    seen = core_means(ink.frame, coverage, np.column_stack([own.colour, ink.distance]), objects * t)
    tracks = measure(ink, coverage, seen[:, :3], seen[:, 3], (objects, t, height, width))
    hidden = _partly_hidden(tracks.area, tracks.whole, blobs.touches[blob] & shown)
    tracks.cut[hidden] = True
    tracks.whole[hidden] = False
    return _with_hidden(tracks, shown, clip)


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
            both = [row, *close]
            tracks.present[both, frame], tracks.whole[both, frame], tracks.cut[both, frame] = (True, False, True)
    return tracks
