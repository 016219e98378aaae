"""Which words of a prompt are about which object, and which are about the background."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import chain

from text2video.world import words as vocabulary
from text2video.world.colours import PATTERNS, TONES
from text2video.world.lexicon import (
    colour_words,
    forms_of,
    is_noun,
    kinds,
    looks,
    looks_of,
    named,
    plurals,
    split_words,
)

MARKS = re.compile(r"[,.;:&+!?\u2013\u2014]|\s-\s")  # dashes, too
# Where something is: no motion, but for "in the left direction".
SIDES = "(?: (?:up|down|left|right|top|bottom|upper|lower))"
PLACE = re.compile(rf"\bnext to\b|\b(?:on|at|in)(?: the)?{SIDES}+\b(?!{SIDES}* directions?\b)")


def split_parts(prompt: str) -> list[list[str]]:
    """The words of a prompt, parted by its punctuation; hyphens and apostrophes do not part. A place is one word."""
    parts = (split_words(part) for part in MARKS.split(unicodedata.normalize("NFKC", prompt)))
    placed = (PLACE.sub(lambda place: place[0].replace(" ", "_"), " ".join(words)) for words in parts)
    return [[word.replace("_", " ") for word in words.split()] for words in placed]


def take_backdrops(words: list[str]) -> tuple[list[str], list[str], list[str | None]]:
    """The words that are not about the background, those that are, and the backgrounds that they name, None for an
    unknown one and for a colour beside another: before the word "background" or behind it, "a yellow background", "the
    background is yellow"; or without it, "on yellow"."""
    at = next((i for i, word in enumerate(words) if word in vocabulary.HEARD_BACKDROPS), None)
    if at is None:
        return _take_tone(words)
    before = next((i for i in range(at - 1, -1, -1) if words[i] not in vocabulary.BACKDROP_FILLERS), at)
    behind = next((i for i in range(at + 1, len(words)) if words[i] not in vocabulary.BACKDROP_FILLERS), at)
    names = _backgrounds()
    tones = names.keys() | colour_words()
    place = next((i for words_ in (names, tones) for i in (before, behind) if words[i] in words_), at)
    first, last = min(place, at), max(place, at) + 1
    told = [names.get(words[place])]
    while first and words[first - 1] in vocabulary.TONE_ADJECTIVES | tones:
        first -= 1
        told += [None] if words[first] in tones else []
    start = first
    while start and words[start - 1] in vocabulary.BEFORE:
        start -= 1
    rest, taken, others = take_backdrops(words[last:])
    return [*words[:start], *rest], [*words[first:last], *taken], [*told, *others]


def _take_tone(words: list[str]) -> tuple[list[str], list[str], list[str | None]]:
    """The same of words that do not say "background": "on yellow", which is not about a noun behind it."""
    names = _backgrounds()
    for first in (i for i, word in enumerate(words) if word in ("on", "against")):
        at = next((i for i in range(first + 1, len(words)) if words[i] not in vocabulary.BACKDROP_FILLERS), first)
        more = words[at + 1 : at + 2]
        if words[at] in names.keys() | colour_words() and not any(map(looks, more)):
            return [*words[:first], *words[at + 1 :]], words[first : at + 1], [names.get(words[at])]
    return words, [], []


@cache
def _backgrounds() -> dict[str, str]:
    """What each word that names a background stands for."""
    return {form: name for name in (*TONES, *PATTERNS) for form in forms_of(name)} | vocabulary.HEARD_BACKGROUNDS


def split_clauses(parts: Iterable[list[str]]) -> list[list[str]]:
    """Words by the object that they are about: one clause or more, each but a single one with a noun."""
    groups: list[list[list[str]]] = []  # a clause, and the pieces about "one" more of its kind
    waiting: list[list[str]] = []  # pieces without a noun that are about the next one
    shared: list[tuple[int, list[str]]] = []  # the number of the groups before, and a piece that is about them all
    for piece in (piece for part in parts for piece in _pieces(part)):
        start = _start(piece)
        if any(map(is_noun, piece)):
            groups += ([clause] for clause in _sharing_a_noun(waiting, piece))
            waiting = []
        elif waiting or not groups:
            waiting.append(piece)
        elif start in vocabulary.EVERY:
            shared.append((len(groups), uncounted(piece)))
        elif meant := _meant(piece, groups):
            meant += piece
        elif _is_one_of(groups[-1][0], piece):
            groups[-1].append(piece)
        elif start in vocabulary.ARTICLES | vocabulary.HEARD_NUMBERS.keys():
            waiting.append(piece)
        else:
            groups[-1][-1] += piece
    _share_out(groups)
    clauses = []
    for number, group in enumerate(groups):
        heading = not number and count(group[0]) > 1 and not named("shape", group[0])  # "two shapes: …"
        own = [word for before, piece in shared if number < before and not heading for word in piece]
        clauses += [[*clause, *own] for clause in _told_one_by_one(*group)]
    rest = [word for piece in waiting for word in piece]
    if any(word not in vocabulary.FILLERS for word in rest) or not clauses:  # "and a hexagon moving up"
        clauses.append(rest)
    return _without_heading(_without_repetitions(clauses))


def _pieces(words: Iterable[str]) -> list[list[str]]:
    """Words parted before connectives, and before words like "with" where a noun follows."""
    pieces: list[list[str]] = [[]]
    starts = vocabulary.CONNECTIVES | vocabulary.POSITIONS
    for word in words:
        if word in starts:
            pieces.append([])
        pieces[-1].append(word)
    joined = pieces[:1]
    for piece in pieces[1:]:
        if piece[0] in vocabulary.CONNECTIVES or any(map(is_noun, piece)):
            joined.append(piece)
        else:
            joined[-1] += piece
    return list(filter(None, joined))


def _is_one_of(clause: list[str], piece: list[str]) -> bool:
    """Whether a piece without a noun is about one more object of a clause's shape, or about some of those that it
    counts."""
    start = _start(piece)
    one = start in vocabulary.ONES or (start in vocabulary.ARTICLES and "one" in piece)
    return one or (start in vocabulary.HEARD_NUMBERS and count(clause) > 1)


def _meant(piece: list[str], groups: list[list[list[str]]]) -> list[str] | None:
    """The words about the object that "the red one" means, the only one before that is red."""
    look = looks_of(piece)
    if _start(piece) != "the" or "one" not in piece or not look:
        return None
    found = [words for group in groups for words in group if looks_of(words) >= look]
    return found[0] if len(found) == 1 else None


def _share_out(groups: list[list[list[str]]]) -> None:
    """Give each object its own of as many pieces behind the last: "a circle and a square, one moving left, the other
    moving up"."""
    ones = groups[-1][1:] if groups else []
    if len(ones) == len(groups) > 1 and not any(named("motion", group[0]) for group in groups):
        for group, one in zip(groups, ones, strict=True):
            group[0] += one
        del groups[-1][1:]


def _sharing_a_noun(waiting: list[list[str]], piece: list[str]) -> list[list[str]]:
    """The clauses of a piece with a noun and of those before it, which are about it too, or about another object of its
    colour or size: "a red and a blue circle", "red and blue circles"."""
    coloured = [one for one in waiting if looks_of(one)]
    others = [word for one in waiting if one not in coloured for word in one]
    several = {*piece[1:2]} & {*vocabulary.ARTICLES, *vocabulary.ONES, *vocabulary.HEARD_NUMBERS}
    several |= {*piece} & plurals().keys()
    if not (coloured and looks_of(piece) and piece[0] == "and" and several):
        return [[*(word for one in waiting for word in one), *piece]]
    counted = any(map(vocabulary.HEARD_NUMBERS.get, [*chain(*coloured), *piece]))
    colour = [word for word in piece if word in colour_words()]
    alike = [[*one, *_nouns(piece), *([] if named("colour", one) else colour)] for one in coloured]
    return [*alike, [*others, *(piece if counted else _singular(piece))]]


def _told_one_by_one(clause: list[str], *ones: list[str]) -> list[list[str]]:
    """A clause and more objects of its shape, "two circles moving left and one moving up"; or those that it counts,
    "three circles, one red and two blue"."""
    moved = named("motion", clause) and ones and named("motion", ones[0])
    if not ones or uncounted(clause) == clause or ones[0][0] in vocabulary.CONNECTIVES or moved:
        return [clause, *([*one, *_nouns(clause)] for one in ones)]
    alone, told = uncounted(clause), [one for one in ones for _ in range(count(one))]
    if len(told) > count(clause):
        return [[*alone, *uncounted(chain(*ones))]]  # how many there are is unclear
    others: list[list[str]] = [[]] * (count(clause) - len(told))
    return [[*_singular(alone), *uncounted(one)] for one in [*told, *others]]


def _without_repetitions(clauses: list[list[str]]) -> list[list[str]]:
    """The clauses, those about objects that have been named joined to the first: "a red circle, …, the circle moves
    up", "a red and a blue circle. Both circles move up"."""
    kept: list[list[str]] = []
    for clause in clauses:
        shape, colour = named("shape", clause), named("colour", clause)
        still = [one for one in kept if not named("motion", one) | named("speed", one)]
        plural = not plurals().keys().isdisjoint(clause)
        alike = [one for one in still if (shape or plural) and (named("shape", one) == shape or not shape)]
        meant = [one for one in alike if named("colour", one) >= colour]
        meant = meant or [one for one in alike if not named("colour", one)]
        if len(meant) == 1 and not plural and _start(clause) in ("the", "it"):
            meant[0] += clause
        elif len(meant) > 1 and plural and _start(clause) in ("the", *vocabulary.EVERY):
            for one in meant:
                one += uncounted(word for word in clause if not is_noun(word))
        else:
            kept.append(clause)
    return kept


def _without_heading(clauses: list[list[str]]) -> list[list[str]]:
    """The clauses without a first one that only counts the others: "two shapes: a circle and a square"."""
    first, *others = clauses
    moved = named("motion", first) and any(named("motion", other) for other in others)
    counted = count(first) > 1 and count(first) == sum(map(count, others))
    if not counted or moved or named("shape", first) or others[0][0] in vocabulary.CONNECTIVES:
        return clauses
    rest = [word for word in uncounted(first) if not is_noun(word)]
    return [[*rest, *other] for other in others]


def _start(words: Iterable[str]) -> str:
    return next((word for word in words if word not in vocabulary.CONNECTIVES), "")


def count(words: Iterable[str]) -> int:
    """How many objects a clause is about, as far as it says it."""
    return max([1, *(vocabulary.HEARD_NUMBERS.get(word, 1) for word in words)])


def uncounted(words: Iterable[str]) -> list[str]:
    """The words but for those that say how many."""
    return [word for word in words if word not in vocabulary.HEARD_NUMBERS]


def _nouns(words: Iterable[str]) -> list[str]:
    """What a clause says of the shape, in the singular."""
    return _singular(word for word in words if is_noun(word) or "shape" in kinds(word))


def _singular(words: Iterable[str]) -> list[str]:
    return [plurals().get(word, word) for word in words]
