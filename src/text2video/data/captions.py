"""Reads the captions of videos as people save them."""

import codecs
from pathlib import Path

from text2video.text.spelling import key, normal, spelled, tokenize

BROKEN = "\ufffd"  # stands for what is no text


def decode_text(data: bytes, errors: str = "replace") -> str:
    """UTF-8, or UTF-16 with its byte order mark, without the mark. What is neither becomes ``BROKEN``.

    With ``errors="strict"`` it raises UnicodeDecodeError.
    """
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    return data.decode(encoding, errors)


def read_caption(path: Path) -> str:
    """The text of a file, on one line. One that cannot be read is ``BROKEN``."""
    try:
        return one_line(decode_text(path.read_bytes()))
    except OSError:
        return BROKEN


def one_line(text: str) -> str:
    """The text with every run of blanks and line ends made a single blank, and none at its ends."""
    return " ".join(text.split())


def caption_problem(caption: str | None) -> str:
    """Why a video with this caption (None: it has none) is left out; "" when it is a good one."""
    if caption is None:
        return "it has no caption"
    if not caption.strip():
        return "its caption is blank"
    try:
        caption.encode()
    except UnicodeEncodeError:
        return "its caption is no valid text"
    if BROKEN in caption:
        return "its caption is no UTF-8 text; save it as UTF-8"
    if any(letter < " " for letter in caption):  # UTF-16 without its mark, as a rule
        return "its caption is no text"
    return "" if tokenize(caption) else "its caption has no word"


def said(caption: str) -> tuple[str, ...]:
    """What a caption says, equal for captions that differ in spelling, inflection or words that say nothing."""
    words = [key(plain) for word in spelled(caption) for plain in normal(word)]
    return tuple(words or tokenize(caption))
