"""Clips (``uint8[T, H, W, 3]`` RGB) to and from the files that people watch, and pictures made of clips.

Every writer leaves the old file or the new one whole, and raises UserError, in one line, when it cannot.
"""

import io
import re
import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import GifImagePlugin, Image, ImageDraw, ImageFont

from text2video.errors import UserError
from text2video.files import atomic_write, replace_folder

SEPARATOR = (208, 208, 208)  # the thin grey line between two frames of a film strip
SLUG_LENGTH = 40


def slug(prompt: str) -> str:
    """A file-name part for any text: ``[a-z0-9-]``, 1 to 40 characters, "prompt" where nothing of it is left.

    Two prompts may share a slug, so a file name needs a number too.
    """
    ascii_text = unicodedata.normalize("NFKD", prompt).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")
    return words[:SLUG_LENGTH].strip("-") or "prompt"


# --- writing ---------------------------------------------------------------------------------------


def save_gif(path: Path, clip: np.ndarray, fps: float = 10, scale: int = 1) -> None:
    """Write an endless GIF with every frame of ``clip``, each pixel enlarged ``scale`` (1..8) times.

    ``Image.save`` folds a frame that repeats the one before into its duration; a clip that stands still would
    lose its frames. So the frames are written one by one, with one palette for all: exact up to 256 colours.
    """
    check_clip(path, clip)
    if not 1 <= scale <= 8:
        raise UserError(f"cannot write {path}: a GIF is enlarged 1 to 8 times, not {scale}")
    size = (clip.shape[2] * scale, clip.shape[1] * scale)
    frames = [frame.resize(size, Image.Resampling.NEAREST) for frame in _palette_frames(clip)]
    ends = [round(100 * (number + 1) / fps) for number in range(len(frames))]  # a GIF counts in 1/100 s
    with atomic_write(path) as file:
        file.write(b"".join(GifImagePlugin.getheader(frames[0], info={"loop": 0})[0]))
        for frame, start, end in zip(frames, [0, *ends], ends, strict=False):
            file.write(b"".join(GifImagePlugin.getdata(frame, duration=10 * (end - start))))
        file.write(b";")


def _palette_frames(clip: np.ndarray) -> list[Image.Image]:
    """The frames as palette images that share one palette of at most 256 colours, without dithering."""
    frames, height, width, _ = clip.shape
    packed = clip.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, indices = np.unique(packed, return_inverse=True)
    if len(colours) <= 256:  # exact, which quantize() is not
        tall = Image.fromarray(indices.astype(np.uint8).reshape(frames * height, width)).convert("P")
        tall.putpalette((colours[:, None] >> np.array([16, 8, 0]) & 255).astype(np.uint8).tobytes())
    else:
        tall = Image.fromarray(clip.reshape(frames * height, width, 3))
        refine = 1 if indices.size < 1_000_000 else 0  # of a large picture of noise it would take minutes
        tall = tall.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=refine, dither=Image.Dither.NONE)
    return [tall.crop((0, top, width, top + height)) for top in range(0, frames * height, height)]


def save_mp4(path: Path, clip: np.ndarray, fps: float = 10) -> None:
    """Write H.264 in an MP4 (yuv420p, as players want). An odd side is padded by one pixel of its edge.

    x264's assembly makes other bytes of the same frames from run to run; its C does not.
    """
    _encode(path, clip, fps, "mp4", "libx264", {"crf": "12", "preset": "slow", "x264-params": "asm=0"})


def save_avi(path: Path, clip: np.ndarray, fps: float = 10) -> None:
    """Write the tutorial's AVI (XVID: MPEG-4 part 2). An odd side is padded by one pixel of its edge.

    The tutorial's ``cv2.VideoWriter`` has no setting for quality, and turns white into (251, 253, 250).
    """
    _encode(path, clip, fps, "avi", "mpeg4", {"b": "4000000", "qmin": "1"}, tag="XVID")


def _encode(
    path: Path,
    clip: np.ndarray,
    fps: float,
    container: str,
    codec: str,
    options: dict[str, str],
    tag: str | None = None,
) -> None:
    """Encode in memory with FFmpeg, then write. One thread, so that every run gives the same bytes."""
    clip = check_clip(path, clip)
    # 4:2:0 video has one colour for 2x2 pixels: the last row or column of an odd-sized clip is repeated.
    clip = np.pad(clip, ((0, 0), (0, clip.shape[1] % 2), (0, clip.shape[2] % 2), (0, 0)), mode="edge")
    buffer = io.BytesIO()
    try:
        with av.open(buffer, "w", format=container) as output:
            stream = output.add_stream(codec, rate=Fraction(fps), options=options)
            assert isinstance(stream, av.VideoStream)
            stream.height, stream.width = clip.shape[1:3]
            stream.pix_fmt = "yuv420p"
            stream.codec_context.thread_count = 1
            if tag:
                stream.codec_context.codec_tag = tag
            for frame in clip:
                output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            output.mux(stream.encode())
    except av.FFmpegError as error:
        raise UserError(f"cannot write {path}: FFmpeg says {_one_line(error)}") from error
    with atomic_write(path) as file:
        file.write(buffer.getvalue())


def save_frames(folder: Path, clip: np.ndarray) -> None:
    """Write the frames as ``frame_0.png``, ``frame_1.png``, … into a folder that replaces ``folder``."""
    check_clip(folder, clip)
    with replace_folder(folder) as fresh:
        for number, frame in enumerate(clip):
            Image.fromarray(frame).save(fresh / f"frame_{number}.png")


def save_npy(path: Path, clip: np.ndarray) -> None:
    """Write the clip itself, exact, for ``numpy.load``."""
    check_clip(path, clip)
    content = io.BytesIO()  # NumPy hides why a file could not be written
    np.save(content, clip)
    with atomic_write(path) as file:
        file.write(content.getvalue())


def save_png(path: Path, image: np.ndarray) -> None:
    """Write a picture ``uint8[H, W, 3]``, exact."""
    with atomic_write(path) as file:
        Image.fromarray(image).save(file, "PNG")


def check_clip(path: Path, clip: np.ndarray) -> np.ndarray:
    """Refuse what is no ``uint8[T, H, W, 3]``, or is empty."""
    if clip.dtype != np.uint8 or clip.ndim != 4 or clip.shape[3] != 3 or clip.size == 0:
        found = f"{clip.dtype}{list(clip.shape)}"
        raise UserError(f"{path}: a clip is uint8[T, H, W, 3] with at least one frame, not {found}")
    return clip


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


# --- pictures made of clips ------------------------------------------------------------------------


def film_strip(clip: np.ndarray) -> np.ndarray:
    """The frames side by side, one grey pixel between two: ``uint8[H, T * (W + 1) - 1, 3]``."""
    check_clip(Path("film strip"), clip)
    line = np.full((clip.shape[1], 1, 3), SEPARATOR, np.uint8)
    return np.concatenate([part for frame in clip for part in (frame, line)][:-1], axis=1)


def contact_sheet(clips: Sequence[np.ndarray], captions: Sequence[str], columns: int = 1) -> np.ndarray:
    """A grid of film strips, each under its caption: a picture ``uint8[H, W, 3]``.

    The clips may differ in size; give ``clip[:1]`` for first frames only. Control characters become "?".
    """
    strips = [film_strip(clip) for clip in clips]
    width = max(strip.shape[1] for strip in strips)
    font = ImageFont.load_default(10)
    texts = [_wrap(caption, width, font) for caption in captions]
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


def _wrap(
    caption: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, lines: int = 3
) -> str:
    """Break a caption into at most ``lines`` lines of ``width`` pixels; what is too long ends in "…"."""
    caption = "".join(letter if letter.isprintable() else "?" for letter in caption[: lines * width])
    wrapped = [""]
    for word in caption.split():
        longer = f"{wrapped[-1]} {word}".strip()
        if wrapped[-1] and font.getlength(longer) > width:
            wrapped.append(word)
        else:
            wrapped[-1] = longer
    if len(wrapped) > lines:
        wrapped = [*wrapped[: lines - 1], wrapped[lines - 1] + "…"]
    return "\n".join(_clip_line(line, width, font) for line in wrapped)


def _clip_line(line: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line + "…"
