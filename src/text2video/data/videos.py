"""Fills the stores from a folder of captioned videos, and shows what was taken of it and what was not."""

import csv
import hashlib
import io
import math
import os
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple, get_args

import cv2
import numpy as np

from text2video.console import Progress, Stopwatch, note
from text2video.data.captions import one_line, said
from text2video.data.clips import cut_clips
from text2video.data.layouts import EXAMPLES, Split, Video, require_videos, some_of
from text2video.data.packed import PackedReader, PackedWriter
from text2video.data.splits import CLIP_SPLITS, assign_splits
from text2video.data.tars import unpacked
from text2video.errors import UserError
from text2video.files import remove_leftovers, replace_folder, write_text
from text2video.layout import Layout
from text2video.media import save_gif, slug
from text2video.params import Params
from text2video.sheets import contact_sheet, plain_text, save_png, shrink

SPOOL = 4 << 20  # bytes of clips of one video that wait in memory; more wait on disk
AHEAD = 8  # videos for each worker that may be done before their turn comes
SHOWN = {"train": 4, "validation": 1, "unseen_clip": 1, "unseen_caption": 1}  # clips as GIFs
SHEET = 24  # training clips on the contact sheet,
STRIP = 10  # each with so many frames at most,
SMALL = 96  # and GIFs' frames no larger than twice as many pixels


class Row(NamedTuple):
    """A line of ``metrics/clips.csv``."""

    file: str
    caption: str
    split: str
    clips: int
    left_out: str
    padded: int = 0
    """Frames at the end that repeat the last one."""
    sha256: str = ""
    """Of its clips."""


def import_videos(params: Params, layout: Layout) -> None:
    """Write the stores ``train``, ``validation``, ``test/unseen_clip`` and ``test/unseen_caption`` of ``layout``.

    ``metrics/clips.csv`` tells for every video of the folder where its clips went, or why it was left out;
    ``metrics/data`` shows some of the clips. The order of the clips is that of the files' names, and nothing depends on
    the number of workers. Raises UserError when nothing can be taken.
    """
    watch = Stopwatch()
    with watch("list"):
        listing = require_videos(Path(params.videos.folder))
    for text in listing.notes:
        note(f"{params.videos.folder}: {text}")
    remove_leftovers(layout.train.with_name("clips"))
    layout.train.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=layout.train.parent, prefix=".clips.", suffix=".tmp") as scratch:
        with watch("decode"):
            rows = _decode_all(listing.videos, params, Path(scratch))
        with watch("pack"):
            try:
                rows = _with_splits(listing.videos, rows, params, layout.metrics / "clips.csv")
            finally:  # also where nothing can be taken
                save_rows(layout.metrics / "clips.csv", rows)
            _fill_stores(Path(scratch) / "all", rows, layout)
    with watch("pictures"):
        _show(params.data.seed, rows, layout)
    _report(listing.videos, rows, params, layout.metrics / "clips.csv")
    watch.report()


def save_rows(path: Path, rows: list[Row]) -> None:
    """Write rows as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows(rows)
    write_text(path, text.getvalue().encode("utf-8", "backslashreplace").decode())


# --- decoding --------------------------------------------------------------------------------------


def _decode_all(videos: list[Video], params: Params, scratch: Path) -> list[Row]:
    """Pack the clips of all videos, in order, into the store ``all``; a row without a split for each video."""
    data, rows = params.data, list[Row]()
    shape = (data.frames, *data.height_width, 3)
    with (
        Progress("synthesize", len(videos), "videos", params.runtime.log_every) as progress,
        PackedWriter(scratch / "all", shape, np.uint8, data.fps) as writer,
    ):
        for file, row in _decoded(videos, params, scratch):
            digest = hashlib.sha256()
            with file:
                file.seek(0)
                for _ in range(row.clips):
                    content = file.read(math.prod(shape))
                    digest.update(content)
                    writer.append(np.frombuffer(content, np.uint8).reshape(1, *shape), [row.caption])
            rows.append(row._replace(sha256=digest.hexdigest()) if row.clips else row)
            progress.update(len(rows))
    return rows


def _decoded(videos: list[Video], params: Params, scratch: Path) -> Iterator[tuple[IO[bytes], Row]]:
    """``_decode`` of each video, in order, by as many workers as there are cores."""
    workers = params.runtime.threads or _cores()
    threads = max(1, workers // len(videos))  # of each video
    stop = threading.Event()
    cv2.setNumThreads(1)  # the workers are side by side already
    executor = ThreadPoolExecutor(workers)
    waiting: deque[Future[tuple[IO[bytes], Row]]] = deque()
    try:
        for video in videos:
            waiting.append(executor.submit(_decode, video, params, scratch, stop, threads))
            if len(waiting) > AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:  # interrupted, perhaps: who works on a long video stops at its next frame
        stop.set()
        executor.shutdown(cancel_futures=True)


def _cores() -> int:
    """The processor's cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Interrupted(Exception):
    """The stage was stopped while a worker was at work."""


def _decode(video: Video, params: Params, scratch: Path, stop: threading.Event, threads: int) -> tuple[IO[bytes], Row]:
    """Cut one video: its clips, ``uint8[n, T, H, W, 3]``, in a file, and its row. What is wrong with it stands in that,
    whatever it is; what is wrong with our disk is raised."""

    def watch() -> None:
        if stop.is_set():
            raise _Interrupted

    file = tempfile.SpooledTemporaryFile(SPOOL, dir=str(scratch))  # noqa: SIM115 - who takes the clips closes it
    row = Row(video.name, video.caption, "", 0, video.problem)
    if row.left_out:
        return file, row
    try:
        with ExitStack() as stack:
            path = video.path
            if video.member:
                path = stack.enter_context(unpacked(video.path, video.member, scratch))
            clips, padded = cut_clips(path, params.data, params.videos, file, watch, threads)
        return file, row._replace(clips=clips, padded=padded)
    except UserError as error:
        told = str(error).removeprefix(f"{path} cannot be read as a video: ").replace(f"{path} ", "it ")
        return file, row._replace(left_out=told.replace(f"{path}/", ""))
    except OSError as error:
        fault = f"{video.name} cannot be read now, or not be cut in {scratch}"
        raise UserError(f"{fault}: {error.strerror or error}; run the stage again") from error
    except _Interrupted:
        raise
    except Exception as error:
        told = one_line(str(error)).replace(str(path), "it")
        return file, row._replace(left_out=f"it cannot be read ({type(error).__name__}: {told})")


# --- stores ----------------------------------------------------------------------------------------


def _with_splits(videos: list[Video], rows: list[Row], params: Params, table: Path) -> list[Row]:
    """The rows with the splits of those that were taken. Raises UserError when none was."""
    taken = [(row.file, said(row.caption), video.split) for video, row in zip(videos, rows, strict=True) if row.clips]
    if not taken:
        left_out = Counter(row.left_out for row in rows).most_common(EXAMPLES)
        reasons = "; ".join(f"{count} left out: {why}" for why, count in left_out)
        raise UserError(
            f"videos.folder: nothing of {params.videos.folder} could be taken: {reasons}; "
            f"{table} has the reason for each"
        )
    names, captions, given = zip(*taken, strict=True)
    shares = params.videos.held_out_clips, params.videos.held_out_captions
    splits = iter(assign_splits(names, captions, given, *shares, params.data.seed))
    return [row._replace(split=next(splits)) if row.clips else row for row in rows]


def _store(layout: Layout, split: str) -> Path:
    return {"train": layout.train, "validation": layout.validation}.get(split, layout.test / split)


def _fill_stores(everything: Path, rows: list[Row], layout: Layout) -> None:
    """Deal the clips of one store out to those of the splits, which all appear at the end."""
    source, place = PackedReader(everything), 0
    with ExitStack() as stack:
        writers = {
            split: stack.enter_context(PackedWriter(_store(layout, split), source.shape, source.dtype, source.fps))
            for split in CLIP_SPLITS
        }
        for row in rows:
            for _ in range(row.clips):
                writers[row.split].append(source[place : place + 1], [row.caption])
                place += 1


# --- what people see -------------------------------------------------------------------------------


def _report(videos: list[Video], rows: list[Row], params: Params, file: Path) -> None:
    """Print how many clips each split has and what decided that, how many videos were padded, how many left out and
    why."""
    clips, taken = Counter[str](), Counter[str]()
    for row in rows:
        clips[row.split] += row.clips
        taken[row.split] += bool(row.clips)
    for split in CLIP_SPLITS:
        note(f"  {split:<16} {clips[split]:>7} clips of {taken[split]} videos")
    named = Counter(video.split for video, row in zip(videos, rows, strict=True) if row.clips and video.split)
    if named:
        told = ", ".join(f"{split} {named[split]}" for split in get_args(Split) if named[split])
        how = f"split by the name of their folder, table or tar ({told}){_unused(named)}"
        note(f"  named            {named.total():>7}: {how}")
    if not named["test"] and params.videos.held_out_captions and not taken["unseen_caption"]:
        note("  held out               0 captions: there are too few for videos.held_out_captions")
    data = params.data
    others = f" (all in {file})"
    short = f"shorter than a clip of {data.frames / data.fps:.2f} seconds, the last frame is repeated"
    if padded := [row.file for row in rows if row.padded]:
        note(f"  padded           {len(padded):>7}: {short} ({some_of(padded, others)})")
    trained = {row.sha256 for row in rows if row.split == "train"}
    if copies := [row.file for row in rows if row.clips and row.split != "train" and row.sha256 in trained]:
        what = "held out, but the same frames are trained on; remove the copies, or their figures mean nothing"
        note(f"  copies           {len(copies):>7}: {what} ({some_of(copies, others)})")
    for reason, count in Counter(row.left_out for row in rows if row.left_out).most_common():
        files = [row.file for row in rows if row.left_out == reason]
        note(f"  left out         {count:>7}: {reason} ({some_of(files, others)})")


def _unused(named: Counter[Split]) -> str:
    """Which shares of params.yaml hold out nothing because of the splits that are named."""
    if not named["test"]:
        return ""
    if named["validation"]:
        return ", so videos.held_out_captions and videos.held_out_clips hold out nothing"
    return ", so videos.held_out_captions holds out no caption"


def _show(seed: int, rows: list[Row], layout: Layout) -> None:
    """GIFs of clips of every split, and a contact sheet of training clips."""
    rng = np.random.default_rng(seed)
    with replace_folder(layout.metrics / "data") as fresh:
        for split, number in SHOWN.items():
            store = PackedReader(_store(layout, split))
            for place, clip in enumerate(_some(len(store), number, rng)):
                name = f"{split}_{place}_{slug(store.captions[clip])}.gif"
                save_gif(fresh / name, shrink(store[int(clip)], 2 * SMALL), store.fps)
        store = PackedReader(layout.train)
        clips = _some(len(store), SHEET, rng)
        step = -(-store.shape[0] // STRIP)
        strips = [shrink(store[int(clip)][::step], SMALL) for clip in clips]
        lines = [line for line, row in enumerate(rows, 2) for _ in range(row.clips) if row.split == "train"]
        captions = [
            text if plain_text(text := store.captions[clip]) else f"line {lines[clip]} of clips.csv" for clip in clips
        ]
        save_png(fresh / "sheet.png", contact_sheet(strips, captions, columns=2))


def _some(n: int, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """At most ``wanted`` of ``n`` numbers, ascending."""
    return np.sort(rng.permutation(n)[:wanted])
