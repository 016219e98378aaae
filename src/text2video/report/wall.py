"""A wall of videos: which ones to show, and how to put them on one page or into one picture."""

import base64
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from text2video.data.packed import PackedReader
from text2video.judge.scenes import Scenes, describe
from text2video.judge.scores import Seen
from text2video.judge.summary import Judged
from text2video.judge.verdicts import ASPECTS
from text2video.measure.nearest import Nearest
from text2video.media import save_gif
from text2video.sheets import contact_sheet, plain_text, shrink, wrap

Array = np.ndarray
FAILURES, TILES = 8, 12  # shown of each split: at most so many failures, and right ones up to so many tiles
SHEET = 20  # captions on the moving sheet
PAIRS, STRIP = 5, 10  # of a clip and the training clip that is nearest to it, and the frames of each
SIDE, FRAMES = 128, 32  # larger and longer clips are shown smaller and with fewer frames
GREY, RED = ("#b0b0b0", 1), ("#c00000", 2)  # frames and their width in pixels
COLUMNS, MARGIN, TEXT = 3, 6, 28  # of the sheet: pairs abreast, pixels around and under a pair


class Tile(NamedTuple):
    """One of the model's videos on the wall, and a real one of the same caption."""

    split: str
    prompt: str
    judged: dict[str, str]  # aspect: label, "" for unclear, or the sentence on a scene; empty where nothing is judged
    right: dict[str, bool]  # aspect: as asked
    faults: list[str]  # what is not as asked
    taken_for: str | None  # the caption that the network chose; None: there was nothing to choose
    clip: Array  # uint8[T, H, W, 3]
    real: Array
    real_judged: str  # the sentence on the real scene; "" where there is none

    @property
    def good(self) -> bool:
        """Whether all is as asked; where nothing is judged, whether the network chose the video's own caption."""
        return all(self.right.values()) if self.judged else self.taken_for in (None, self.prompt)


def choose_tiles(
    split: str, captions: Sequence[str], clips: Array, real: Array, judged: Judged | None, taken: Sequence[str | None]
) -> list[Tile]:
    """Some failures and some right ones of a split, each taken at even distances over the split; of ``taken_for``
    alone, which is no judge, any at even distances."""
    hits = judged.answers["model"].right if judged else {}
    good = hits["joint"] if judged else np.ones(len(captions), bool)
    bad = _spread(np.flatnonzero(~good), FAILURES)
    rows = [*bad, *_spread(np.flatnonzero(good), TILES - len(bad))]
    return [
        Tile(
            split,
            captions[row],
            _labels(judged.model, row) if judged else {},
            {aspect: bool(hit[row]) for aspect, hit in hits.items()},
            judged.answers["model"].faults(row) if judged else [],
            taken[row],
            reduce(clips[row]).copy(),  # not a view, which would keep all clips in memory
            reduce(real[row]).copy(),
            _labels(judged.real, row).get("scene", "") if judged else "",
        )
        for row in rows
    ]


def _labels(seen: Seen, row: int) -> dict[str, str]:
    """What the judge saw in a clip."""
    if isinstance(seen, Scenes):
        return {"scene": describe(seen, row)}
    return {aspect: str(getattr(seen, aspect)[row]) for aspect in ASPECTS}


def _spread(rows: Array, most: int) -> Array:
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).round().astype(int)]


def reduce(clip: Array, most: int = FRAMES) -> Array:
    """A clip as it is shown."""
    return shrink(clip, SIDE, most)


def shown_fps(fps: float, frames: int) -> float:
    """Frames per second of a reduced clip, so that it takes as long as the whole one of ``frames``."""
    return fps * min(frames, FRAMES) / frames


def moving_sheet(captions: Sequence[str], clips: Array, real: Array, good: Array) -> Array:
    """The first clip of each of SHEET captions, beside a real one, as one clip uint8[T, H', W', 3]; a red frame around
    what is not ``good`` bool[N]."""
    first = np.array([captions.index(caption) for caption in dict.fromkeys(captions)], int)
    rows = _spread(first, SHEET).tolist()
    pairs = [np.concatenate([reduce(clips[row]), reduce(real[row])], 2) for row in rows]
    times = max(2 * SIDE // max(pairs[0].shape[2], 2 * pairs[0].shape[1]), 1)  # small clips are shown larger
    pairs = [pair.repeat(times, 1).repeat(times, 2) for pair in pairs]
    frames, height, width = pairs[0].shape[:3]
    wide, tall = width + 4 + 2 * MARGIN, height + 2 * MARGIN + TEXT
    page = Image.new("RGB", (wide * COLUMNS, tall * -(-len(rows) // COLUMNS)), "#ffffff")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    places = [(wide * (i % COLUMNS) + MARGIN, tall * (i // COLUMNS) + MARGIN) for i in range(len(rows))]
    for row, (x, y) in zip(rows, places, strict=True):
        for left, colour, line in ((0, *(GREY if good[row] else RED)), (width // 2 + 3, *GREY)):
            box = (x + left - 2, y - 2, x + left + width // 2, y + height + 1)
            draw.rectangle(box, outline=colour, width=line)
        caption = captions[row] if good[row] else f"wrong: {captions[row]}"
        text = wrap(plain_text(caption) or f"#{row + 1}", width, font, 2)
        draw.text((x, y + height + 2), text, fill="#000000", font=font, spacing=1)
    sheet = np.repeat(np.asarray(page)[None], frames, 0)
    for pair, (x, y) in zip(pairs, places, strict=True):
        for left, clip in ((0, pair[:, :, : width // 2]), (width // 2 + 3, pair[:, :, width // 2 :])):
            sheet[:, y : y + height, x + left : x + left + width // 2] = calm(clip)
    return sheet


def pairs_picture(nearest: Nearest, clips: Array, captions: Sequence[str], train: PackedReader) -> Array:
    """The model's clips that are nearest to a training clip, each above that clip, as film strips: uint8[H, W, 3]."""
    strips, texts = [], []
    for row in np.argsort(nearest.model_distance, kind="stable")[:PAIRS].tolist():
        twin = int(nearest.model_index[row])
        strips += [reduce(clips[row], STRIP), reduce(train[twin], STRIP)]
        texts += [f"model: {captions[row]}  (distance {nearest.model_distance[row]:.1f})"]
        texts += [f"training clip {twin}: {train.captions[twin]}"]
    return contact_sheet(strips, texts)


def calm(clip: Array) -> Array:
    """The clip in sixteen levels a channel, 0 and 255 among them: noise that nobody sees makes a GIF much larger."""
    return (np.round(clip / 17) * 17).astype(np.uint8)


def gif_uri(clip: Array, fps: float) -> str:
    """A clip as a GIF in a ``data:`` address, so that the page needs no file beside it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.gif"
        save_gif(path, calm(clip), fps)
        return data_uri(path.read_bytes(), "image/gif")


def png_uri(image: Array) -> str:
    """A picture uint8[H, W, 3] as a PNG in a ``data:`` address."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", optimize=True)
    return data_uri(file.getvalue(), "image/png")


def data_uri(content: bytes, kind: str) -> str:
    """A file's content as a ``data:`` address."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
