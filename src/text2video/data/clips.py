"""Cuts a video into clips of one size, length and rate, in little memory however long the video is."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Literal

import cv2
import numpy as np

from text2video.errors import UserError
from text2video.params import DataParams, VideosParams
from text2video.reading import frames, probe
from text2video.reading.pictures import Picture

TIE = 2e-3  # seconds; of two frames that are as near as that the earlier is taken, so that rounded times change nothing
FAR = 10.0  # seconds between two clips that are worth a jump over what lies between them,
BEFORE = 1.0  # to so far before the second
NEAR = 0.55  # of the time between two frames: one that lies further off is hardly the nearest

Fit = Literal["crop", "pad", "stretch"]
Shown = Iterator[tuple[float, Picture]]  # frames and their times


class _Unforeseen(Exception):
    """The frames come at other times than the header and the frames before them let expect."""


def cut_clips(
    path: Path, data: DataParams, videos: VideosParams, file: IO[bytes], watch: Callable[[], None], threads: int = 1
) -> tuple[int, int]:
    """Write the clips of a video to ``file``, ``uint8[n, T, H, W, 3]`` in C order.

    Returns n, and how many frames at the end of a video shorter than a clip repeat its last one. A clip's frame ``t``
    is the one nearest in time to ``t / data.fps`` after the clip's start. ``watch`` is called at every frame of the
    video. Raises UserError when the video cannot be read, or is too short and ``videos.short`` is skip.
    """
    shown = partial(_watched, path, watch, threads, videos.pictures_fps)
    duration = probe(path, videos.pictures_fps).duration
    if duration and not _missing_frames(duration, data):
        try:
            targets = window_times(duration, data, videos.windows)
            for times in _apart(targets):
                for frame in _expected_frames(shown, times):
                    file.write(fit_frame(frame, *data.height_width, videos.fit).tobytes())
            return len(targets), 0
        except _Unforeseen:
            file.seek(0)
            file.truncate()
    times = np.maximum.accumulate([time for time, _ in shown()])
    duration = times[-1] + (float(np.median(np.diff(times))) if len(times) > 1 else 1 / data.fps)
    missing = _missing_frames(duration, data)
    if missing and videos.short == "skip":
        raise UserError(f"it is too short: {duration:.2f} of {data.frames / data.fps:.2f} seconds")
    targets = window_times(duration, data, videos.windows)
    uses = Counter(nearest(times, targets.ravel()).tolist())
    for number, (_, draw) in enumerate(shown()):
        if number in uses:
            content = fit_frame(draw(), *data.height_width, videos.fit).tobytes()
            for _ in range(uses[number]):
                file.write(content)
    return len(targets), missing


def window_times(duration: float, data: DataParams, most: int) -> np.ndarray:
    """The times ``[n, T]`` of the frames of at most ``most`` clips, each in the middle of an equal part of the video.

    They do not overlap; of a video shorter than a clip there is one, from its start.
    """
    length = data.frames / data.fps
    n = int(np.clip(duration / length + TIE, 1, most))
    starts = np.maximum(0, (np.arange(n) + 0.5) * duration / n - length / 2)
    return starts[:, None] + np.arange(data.frames) / data.fps


def nearest(times: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """For each target the index of the nearest of the ascending ``times``; of two as near the earlier one."""
    after = np.searchsorted(times, targets).clip(max=len(times) - 1)
    before = (after - 1).clip(min=0)
    return np.where(times[after] - targets < targets - times[before] - TIE, after, before)


def fit_frame(frame: np.ndarray, height: int, width: int, fit: Fit) -> np.ndarray:
    """Bring ``uint8[H, W, 3]`` to another size; each pixel of a smaller picture is the mean of its area.

    crop: what is too much of the longer side is cut off, half at each end. pad: all is shown, between black bars.
    stretch: all is shown, out of proportion.
    """
    h, w = frame.shape[:2]
    scales = (height / h, width / w)
    if fit == "crop":
        inner = [min(side, max(1, round(goal / max(scales)))) for side, goal in ((h, height), (w, width))]
        top, left = (h - inner[0]) // 2, (w - inner[1]) // 2
        frame = frame[top : top + inner[0], left : left + inner[1]]
    if fit != "pad":
        return _resize(frame, height, width)
    inner = [min(goal, max(1, round(side * min(scales)))) for side, goal in ((h, height), (w, width))]
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    page = np.zeros((height, width, 3), np.uint8)
    page[top : top + inner[0], left : left + inner[1]] = _resize(frame, *inner)
    return page


def _resize(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    """Shrink by areas, then enlarge linearly: each side as it needs."""
    h, w = frame.shape[:2]
    if (min(h, height), min(w, width)) != (h, w):
        frame = cv2.resize(frame, (min(w, width), min(h, height)), interpolation=cv2.INTER_AREA)
    if frame.shape[:2] != (height, width):
        frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
    return frame


def _missing_frames(duration: float, data: DataParams) -> int:
    """How many frames a video is shorter than a clip; less than half of one is none."""
    return max(0, data.frames - int(duration * data.fps + 0.5))


def _apart(targets: np.ndarray) -> list[np.ndarray]:
    """The times of clips that are near each other together, those of others apart."""
    gaps = targets[1:, 0] - targets[:-1, -1]
    return [part.ravel() for part in np.split(targets, np.flatnonzero(gaps > FAR) + 1)]


def _watched(path: Path, watch: Callable[[], None], threads: int, rate: float, begin: float = 0) -> Shown:
    for time, draw in frames(path, threads, begin, rate):
        watch()
        yield time, draw


def _expected_frames(shown: Callable[..., Shown], targets: np.ndarray) -> Iterator[np.ndarray]:
    """For each target the nearest frame, in one go: only frames that should be nearest to one are drawn.

    Raises _Unforeseen when such a frame was not drawn, or the video ends before its last targets.
    """
    waiting = iter(targets.tolist())
    target, time, frame, step = next(waiting), 0.0, None, 0.0
    for now, draw in shown(begin=targets[0] - BEFORE):
        step = now - time
        near = np.searchsorted(targets, [now - NEAR * step, now + NEAR * step], side="left")
        drawn = draw() if near[0] < near[1] or not step else None
        while target <= now + 1e-6:
            chosen = drawn if now - target < target - time - TIE or not step else frame
            if chosen is None:
                raise _Unforeseen
            yield chosen
            target = next(waiting, np.inf)
        if target == np.inf:
            return
        time, frame = now, drawn
    while target < time + step and frame is not None:  # the last frame is shown until the video ends
        yield frame
        target = next(waiting, np.inf)
    if target != np.inf:
        raise _Unforeseen
