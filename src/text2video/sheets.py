"""Pictures made of clips (``uint8[T, H, W, 3]`` RGB): film strips, contact sheets, walls."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from text2video.files import atomic_write

SEPARATOR = (208, 208, 208)  # the thin grey line between two frames of a film strip
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def save_png(path: Path, image: np.ndarray) -> None:
    """Write a picture ``uint8[H, W, 3]``, exact."""
    with atomic_write(path) as file:
        Image.fromarray(image).save(file, "PNG")


def shrink(clip: np.ndarray, side: int, frames: int | None = None) -> np.ndarray:
    """A clip with at most ``frames`` frames, evenly taken, and a longer side of at most ``side`` (means of areas)."""
    if frames is not None and len(clip) > frames:
        clip = clip[np.linspace(0, len(clip) - 1, frames).round().astype(int)]
    height, width = clip.shape[1:3]
    if max(height, width) <= side:
        return clip
    wide, tall = (max(round(length * side / max(height, width)), 1) for length in (width, height))
    return np.stack([cv2.resize(frame, (wide, tall), interpolation=cv2.INTER_AREA) for frame in clip])


def film_strip(clip: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
    """The frames of a clip side by side, one grey pixel between two: uint8[H, T * (W + 1) - 1, 3]; or so many clips."""
    line = np.full_like(clip[0][..., :1, :], SEPARATOR)
    return np.concatenate([part for frame in clip for part in (frame, line)][:-1], axis=-2)


def contact_sheet(clips: Sequence[np.ndarray], captions: Sequence[str], columns: int = 1) -> np.ndarray:
    """A grid of film strips, each under its caption, or its number where the font has no letter of that.

    The clips may differ in size; give ``clip[:1]`` for first frames only. Returns a picture ``uint8[H, W, 3]``.
    """
    strips = [film_strip(clip) for clip in clips]
    width = max(strip.shape[1] for strip in strips)
    font = ImageFont.load_default(10)
    texts = [wrap(plain_text(text) or f"#{number}", width, font, 3) for number, text in enumerate(captions, 1)]
    text_height = 13 * max(text.count("\n") + 1 for text in texts)
    cell_width, cell_height = width + 8, text_height + max(strip.shape[0] for strip in strips) + 8
    rows = -(-len(strips) // columns)
    sheet = Image.new("RGB", (columns * cell_width, rows * cell_height), "#f4f4f4")
    draw = ImageDraw.Draw(sheet)
    for number, (strip, text) in enumerate(zip(strips, texts, strict=True)):
        left, top = number % columns * cell_width + 4, number // columns * cell_height + 4
        draw.text((left, top - 2), text, fill="black", font=font, spacing=2)
        sheet.paste(Image.fromarray(strip), (left, top + text_height))
    return np.asarray(sheet)


def wall(clips: Sequence[np.ndarray], captions: Sequence[str], columns: int = 4) -> np.ndarray:
    """All clips playing side by side under their captions, twice as large: a clip ``uint8[T, H', W', 3]``."""
    large = [clip.repeat(2, axis=1).repeat(2, axis=2) for clip in clips]
    return np.stack(
        [contact_sheet([clip[t : t + 1] for clip in large], captions, columns) for t in range(len(clips[0]))]
    )


def plain_text(caption: str) -> str:
    """A caption in ASCII, which is all that Pillow's own font has: accents are left out, other letters become "?".

    "" where no letter or digit is left.
    """
    letters = (c for c in unicodedata.normalize("NFKD", caption) if not unicodedata.combining(c))
    text = "".join(c if " " <= c <= "~" or c == "…" else "?" for c in letters)
    return text if any(c.isalnum() for c in text) else ""


def wrap(caption: str, width: int, font: Font, lines: int) -> str:
    """Break a caption into at most ``lines`` lines of ``width`` pixels; what is too long ends in "…"."""
    wrapped = [""]
    for word in caption[: lines * width].split():
        longer = f"{wrapped[-1]} {word}".strip()
        if wrapped[-1] and font.getlength(longer) > width:
            wrapped.append(word)
        else:
            wrapped[-1] = longer
    if len(wrapped) > lines:
        wrapped = [*wrapped[: lines - 1], wrapped[lines - 1] + "…"]
    return "\n".join(_clip_line(line, width, font) for line in wrapped)


def _clip_line(line: str, width: int, font: Font) -> str:
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line + "…"
