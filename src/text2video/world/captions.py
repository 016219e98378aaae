"""Captions of clips, and what a prompt asks for."""

import re
from collections.abc import Iterable

from text2video.request import Request
from text2video.world.colours import COLOURS
from text2video.world.motions import MOTIONS
from text2video.world.shapes import SHAPES

FILLERS = {"moving", "diagonally"}  # say nothing that the direction beside them does not say


def caption(shape: str, colour: str | None, wording: str) -> str:
    """``[colour] shape motion``."""
    return " ".join(part for part in (colour, shape, wording) if part)


def parse_prompt(prompt: str) -> Request:
    """What a prompt names, in whatever order and case; words that the world does not know are ignored.

    None stands for what is not named, and for what is named in contradiction ("red blue circle").
    """
    words = _words(prompt)
    wordings = [(wording, name) for name, motion in MOTIONS.items() for wording in motion.wordings]
    return Request(
        shape=_named(words, [(name, name) for name in SHAPES]),
        colour=_named(words, [(name, name) for name in COLOURS]),
        motion=_named(words, wordings),
    )


def _named(words: frozenset[str], table: Iterable[tuple[str, str]]) -> str | None:
    """The one name of (wording, name) pairs all of whose words are there; "up" gives way to "up-right"."""
    found = [(told, name) for wording, name in table if (told := _words(wording) - FILLERS) <= words]
    names = {name for told, name in found if not any(told < more for more, _ in found)}
    return names.pop() if len(names) == 1 else None


def _words(text: str) -> frozenset[str]:
    """The words of a text in small letters; hyphens part words."""
    return frozenset(re.findall(r"[^\W_]+", text.lower()))
