"""The colours of objects and backgrounds. A new one is one entry in COLOURS, TONES or PATTERNS.

A background is named by the tone that fills it, or by its pattern of two tones.
"""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

Colour = tuple[int, int, int]  # RGB, 0..255
Picture = np.ndarray

COLOURS: dict[str, Colour] = {
    "red": (225, 25, 25),
    "green": (0, 165, 50),
    "blue": (25, 60, 225),
    "black": (0, 0, 0),
    "yellow": (245, 215, 0),
    "orange": (255, 125, 0),
    "purple": (140, 30, 170),
    "cyan": (0, 190, 215),
}
TONES: dict[str, Colour] = {
    "white": (255, 255, 255),
    "grey": (175, 175, 175),
    "yellow": (255, 235, 130),
    "pink": (255, 190, 210),
    "green": (170, 230, 170),
    "blue": (170, 205, 255),
}
CONTRAST = 140  # the least RGB distance of an object to its background; a viewer sees half of it
DICE = 4  # random numbers that a background may use


def _stripes(dice: Sequence[float], along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Level, upright or slanting stripes, a tenth to a sixth of the frame wide each."""
    slant = int(dice[0] * 4) * np.pi / 4
    return _wave(along * np.sin(slant) + across * np.cos(slant), dice)


def _checks(dice: Sequence[float], along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """A chessboard whose squares are a tenth to a sixth of the frame wide."""
    return np.abs(_wave(along, dice) - _wave(across, dice))


def _gradient(dice: Sequence[float], along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """From one tone to the other, from edge to edge or from corner to corner."""
    slant = int(dice[0] * 8) * np.pi / 4
    ramp = (along - 0.5) * np.sin(slant) + (across - 0.5) * np.cos(slant)
    return ramp / (abs(np.sin(slant)) + abs(np.cos(slant))) + 0.5


def _wave(place: np.ndarray, dice: Sequence[float]) -> np.ndarray:
    """0 and 1 by turns."""
    return np.floor(place / (0.1 + 0.07 * dice[1]) + 2 * dice[2]) % 2


# The share of the second tone, 0..1, at places 0..1 from the left (second argument) and from the top (third).
PATTERNS: dict[str, Callable[[Sequence[float], np.ndarray, np.ndarray], np.ndarray]] = {
    "striped": _stripes,
    "checked": _checks,
    "gradient": _gradient,
}


@cache
def visible_tones(colours: frozenset[str]) -> list[Colour]:
    """The tones on which objects of all these colours can be seen."""
    inks = np.array([COLOURS[colour] for colour in colours])
    return [tone for tone in TONES.values() if np.linalg.norm(inks - tone, axis=1).min() >= CONTRAST]


def visible_backgrounds(names: Sequence[str], colours: frozenset[str]) -> list[str]:
    """Those of the backgrounds on which objects of all these colours can be seen."""
    tones = visible_tones(colours)
    return [name for name in names if (len(tones) > 1 if name in PATTERNS else TONES[name] in tones)]


def paint(name: str, colours: frozenset[str], dice: Sequence[float], size: int) -> Picture:
    """The background of that name under objects of these colours, uint8[size, size, 3] or, of one tone, one row."""
    if name in TONES:
        return np.full((1, size, 3), TONES[name], np.uint8)
    tones = visible_tones(colours)
    first = int(dice[3] * len(tones) * (len(tones) - 1))  # the number of an ordered pair
    one, other = divmod(first, len(tones) - 1)
    pair = np.array([tones[one], tones[other + (other >= one)]], float)
    place = (np.arange(size) + 0.5) / size
    share = PATTERNS[name](dice, place[None, :], place[:, None])[..., None]
    return np.round(pair[0] + share * (pair[1] - pair[0])).astype(np.uint8)
