"""A wall of videos: which ones to show, and how to put them on one page or into one picture."""

import base64
import io
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from text2video.judge import right
from text2video.media import save_gif
from text2video.report.summary import ASPECTS, Judged

Array = NDArray[Any]
FAILURES, TILES = 8, 12  # shown of each split: at most so many failures, and right ones up to so many tiles
SHEET = 20  # clips on the moving sheet
COLUMNS, SCALE, MARGIN, TEXT = (
    4,
    2,
    6,
    28,
)  # of the sheet: clips abreast, enlargement, pixels around and under a clip


class Tile(NamedTuple):
    """One video on the wall."""

    split: str
    prompt: str
    judged: dict[str, str]  # aspect: label, "" for unclear
    right: dict[str, bool]  # aspect: as asked
    clip: Array  # uint8[T, H, W, 3]

    @property
    def good(self) -> bool:
        """Whether all is as asked."""
        return all(self.right.values())


def choose_tiles(split: str, judged: Judged, clips: Array) -> list[Tile]:
    """Some failures and some right ones of a split, each taken at even distances over the split."""
    hits = right(judged.model, judged.requests)
    bad, good = np.flatnonzero(~hits["joint"]), np.flatnonzero(hits["joint"])
    bad = _spread(bad, FAILURES)
    rows = [*bad, *_spread(good, TILES - len(bad))]
    return [
        Tile(
            split,
            judged.prompts[row],
            {aspect: str(getattr(judged.model, aspect)[row]) for aspect in ASPECTS},
            {aspect: bool(hits[aspect][row]) for aspect in ASPECTS},
            clips[row].copy(),  # not a view, which would keep all clips in memory
        )
        for row in rows
    ]


def _spread(rows: Array, most: int) -> Array:
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).round().astype(int)]


def moving_sheet(judged: Judged, clips: Array) -> Array:
    """The first clip of each of the first SHEET prompts, with its caption, as one clip uint8[T, H', W', 3]; a red frame
    around what is not as asked."""
    rows = [judged.prompts.index(prompt) for prompt in dict.fromkeys(judged.prompts)][:SHEET]
    good = right(judged.model, judged.requests)["joint"]
    frames, height, width = clips.shape[1:4]
    wide, tall = width * SCALE + 2 * MARGIN, height * SCALE + 2 * MARGIN + TEXT
    lines = -(-max(len(rows), 1) // COLUMNS)
    page = Image.new("RGB", (wide * COLUMNS, tall * lines), "#ffffff")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    places = [(wide * (i % COLUMNS) + MARGIN, tall * (i // COLUMNS) + MARGIN) for i in range(len(rows))]
    for row, (x, y) in zip(rows, places, strict=True):
        box = (x - 2, y - 2, x + width * SCALE + 1, y + height * SCALE + 1)
        draw.rectangle(box, outline="#b0b0b0" if good[row] else "#c00000", width=1 if good[row] else 2)
        caption = judged.prompts[row] if good[row] else f"wrong: {judged.prompts[row]}"
        draw.text(
            (x, y + height * SCALE + 2),
            _wrap(caption, width * SCALE, font),
            fill="#000000",
            font=font,
            spacing=1,
        )
    sheet = np.repeat(np.asarray(page)[None], frames, 0)
    for row, (x, y) in zip(rows, places, strict=True):
        big = calm(clips[row]).repeat(SCALE, 1).repeat(SCALE, 2)
        sheet[:, y : y + height * SCALE, x : x + width * SCALE] = big
    return sheet


def _wrap(caption: str, width: int, font: Any, most: int = 2) -> str:
    """The caption in at most ``most`` lines of ``width`` pixels; what is too long is cut."""
    lines = [""]
    for word in "".join(c if c.isprintable() else "?" for c in caption[: width * most]).split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines[:most])


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
