"""Captions of clips, and what a prompt asks for."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from text2video.request import Request, Scene
from text2video.world import words as vocabulary
from text2video.world.clauses import count, split_clauses, split_parts, take_backdrops, uncounted
from text2video.world.lexicon import Words, is_noun, kinds, lexicon, named, plural, plurals, with_article
from text2video.world.motions import MOTIONS
from text2video.world.words import OPPOSITE


def caption(said: Request, wording: str) -> str:
    """``[size] [colour] shape motion [speed]``, in plain words."""
    return " ".join(part for part in (said.size, said.colour, said.shape, wording, said.speed) if part)


def plain_caption(said: Scene, wordings: Sequence[str]) -> str:
    """A caption in plain words, with one of the wordings of its motion for each object."""
    objects, backdrop = said.objects, "{scene}"
    if len(set(objects)) == 1 < len(objects):
        one = objects[0]._replace(shape=plural(objects[0].shape or ""))
        scene = f"{vocabulary.NUMERALS[len(objects)]} {caption(one, wordings[0])}"
    else:
        scene = " and ".join(map(caption, objects, wordings))
    if said.background:
        backdrop = vocabulary.PLAIN_BACKDROP
    return backdrop.format_map({"scene": scene, "a background": with_article(said.background or "")})


def parse_prompt(prompt: str) -> Request:
    """What a prompt of one object names, in any wording of ``world/words.py``, order and case; no other words count.

    None stands for what is not named, for what is named in contradiction ("red blue circle") and for a motion that is
    named in part ("rotating").
    """
    words = [word for part in split_parts(prompt) for word in part]
    return _read_clause(_with_sizes(take_backdrops(words)[0]))[0]


def parse_scene(prompt: str) -> Scene:
    """What a prompt names: its objects, one or more, and the background; None as in ``parse_prompt``."""
    return read_scene(prompt).scene


class Reading(NamedTuple):
    """What was understood of a prompt, and what was not."""

    scene: Scene
    unknown: list[str]
    """Words that mean nothing here, in their order, and places ("on the left"); words that say nothing ("please") are
    not among them."""
    unclear: dict[str, list[str]]
    """What is named in contradiction or in part: the words, by shape, colour, motion, size, speed and background; and
    by number, nouns in the plural that say not how many."""


def read_scene(prompt: str) -> Reading:
    """What ``parse_scene`` understands, and the words that it does not.

    Clauses are parted by commas and words like "and", and each has one noun; "two red circles" are two objects. A
    clause without a motion shares that of the next one, "a circle and a square moving up", or of the one before, "and a
    square too". Objects of which the number is not said are read as one.
    """
    rests, taken, names = zip(*map(take_backdrops, split_parts(prompt)), strict=True)
    backgrounds = [name for part in names for name in part]
    unclear = {"background": [word for part in taken for word in part]}
    objects: list[Request] = []
    unknown: list[str] = []
    following: list[str] = []
    clauses = split_clauses(rests)
    for clause, before in zip(clauses[::-1], [*clauses[-2::-1], []], strict=True):
        words = _with_sizes(uncounted(clause))
        shared = _movement(before) if vocabulary.LIKEWISE & {*words} else following
        if named("motion", words):
            following, shared = _movement(words), []
        elif named("speed", words):
            shared = [word for word in shared if "speed" not in kinds(word)]
        found, strange, doubts = _read_clause([*words, *shared])
        nouns = list(filter(is_noun, clause))
        if nouns and clause == uncounted(clause) and plurals().keys() >= {*nouns} and not strange:
            doubts["number"] = nouns
        objects = [found] * count(clause) + objects
        unknown = strange + unknown
        for kind, doubtful in doubts.items():
            unclear[kind] = doubtful + unclear.get(kind, [])
    if len(backgrounds) < 2 and None not in backgrounds:
        del unclear["background"]
    scene = Scene(tuple(objects), backgrounds[0] if len(backgrounds) == 1 else None)
    return Reading(scene, list(dict.fromkeys(unknown)), unclear)


def _movement(words: Iterable[str]) -> list[str]:
    """What words say of motion and speed."""
    return [word for word in words if kinds(word) & {"motion", "speed"} or word in ("from", "to")]


def _read_clause(words: list[str]) -> tuple[Request, list[str], dict[str, list[str]]]:
    """The object that words name, those of them that are unknown, and those that are unclear, by kind."""
    known, motions = lexicon()
    told: dict[str, dict[str, list[str]]] = {kind: {} for kind in Request._fields}  # atom -> words
    for word in words:
        for kind, atom in known.get(word, ()):
            told[kind].setdefault(atom, []).append(word)
    single = {kind: next(iter(atoms)) if len(atoms) == 1 else None for kind, atoms in told.items()}
    motion = motions.get(frozenset(told["motion"]).symmetric_difference(_origins(words, known)))
    for detail in ("size", "speed"):  # "a small circle growing": small when?
        if motion and detail not in MOTIONS[motion].details:
            single[detail] = None
    unclear = {
        kind: [word for group in atoms.values() for word in group]
        for kind, atoms in told.items()
        if atoms and (single | {"motion": motion})[kind] is None
    }
    partners = vocabulary.PARTNERS
    unknown = dict.fromkeys(word for word in words if word not in known or partners.get(word, word) not in words)
    return Request(**single | {"motion": motion}), list(unknown), unclear


def _origins(words: Sequence[str], known: Words) -> set[str]:
    """Where a prompt says that the object comes from: left in "from left to right" and in "left to right".

    Without the opposite beside it, it is no direction that captions have: then "from" is among the answer.
    """
    if "from" not in words and "to" not in words:
        return set()
    rest = [word for word in words if word != "the"]
    directions = [{atom for _, atom in known.get(word, ()) if atom in OPPOSITE} for word in rest]
    directions += [set(), set()]
    found: set[str] = set()
    for i, word in enumerate(rest):
        if word == "from":
            found |= directions[i + 1] | (directions[i + 2] if directions[i + 1] else set())
        elif word == "to" and i:
            found |= {atom for atom in directions[i - 1] if OPPOSITE[atom] in directions[i + 1]}
    said = set().union(*directions)
    return found if all(OPPOSITE[atom] in said for atom in found) else {*found, "from"}


def _with_sizes(words: list[str]) -> list[str]:
    """Words with "small" for "smaller", unless something gets smaller."""
    if not vocabulary.CHANGES.isdisjoint(words):
        return words
    return [vocabulary.COMPARATIVES.get(word, word) for word in words]
