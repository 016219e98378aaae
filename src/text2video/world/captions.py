"""Captions of clips, and what a prompt asks for."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

from text2video.request import Request
from text2video.world.colours import COLOURS
from text2video.world.motions import MOTIONS
from text2video.world.shapes import SHAPES
from text2video.world.words import (
    COLOUR_NAMES,
    FILLERS,
    HEARD,
    HEARD_MOTIONS,
    HEARD_PHRASES,
    NOUNS,
    OPPOSITE,
    VERBS,
    WAYS,
    Verb,
)

Atom = tuple[str, str]  # shape, colour or motion, and a plain word
GENERAL = {"moving"}  # says nothing that the direction beside it does not say


def caption(shape: str, colour: str | None, wording: str) -> str:
    """``[colour] shape motion``, in plain words."""
    return " ".join(part for part in (colour, shape, wording) if part)


def parse_prompt(prompt: str) -> Request:
    """What a prompt names, in any wording of ``world/words.py``, order and case; other words are ignored.

    None stands for what is not named, for what is named in contradiction ("red blue circle") and for a motion that is
    named in part ("rotating").
    """
    return read_prompt(prompt).request


class Reading(NamedTuple):
    """What was understood of a prompt, and what was not."""

    request: Request
    unknown: list[str]
    """Words that mean nothing here, in their order; words that say nothing ("please") are not among them."""
    unclear: dict[str, list[str]]
    """What is named in contradiction or in part: the words, by shape, colour and motion."""


def read_prompt(prompt: str) -> Reading:
    """What ``parse_prompt`` understands, and the words that it does not."""
    lexicon = _lexicon(tuple(SHAPES), tuple(COLOURS), tuple(MOTIONS))
    words = split_words(prompt)
    told: dict[str, dict[str, list[str]]] = {"shape": {}, "colour": {}, "motion": {}}  # atom -> words
    unknown = []
    for word in words:
        if word not in lexicon.words:
            unknown.append(word)
        for kind, atom in lexicon.words.get(word, ()):
            told[kind].setdefault(atom, []).append(word)
    motion = lexicon.motions.get(frozenset(told["motion"]).symmetric_difference(_origins(words, lexicon)))
    found = {kind: next(iter(told[kind])) if len(told[kind]) == 1 else None for kind in ("shape", "colour")}
    request = Request(found["shape"], found["colour"], motion)
    unclear = {
        kind: [word for group in atoms.values() for word in group]
        for kind, atoms in told.items()
        if atoms and getattr(request, kind) is None
    }
    return Reading(request, list(dict.fromkeys(unknown)), unclear)


def split_words(text: str) -> list[str]:
    """The words of a text in small letters; hyphens part words; full-width letters are letters (NFKC)."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).lower())
    spaced = f" {' '.join(words)} "
    for phrase, plain in HEARD_PHRASES.items():
        spaced = spaced.replace(f" {phrase} ", f" {plain} ")
    return spaced.split()


def plain_words() -> set[str]:
    """The words of the tables of shapes, colours and motions, and the other forms of their verbs."""
    wordings = [wording for motion in MOTIONS.values() for wording in motion.wordings]
    plain = [verbs(wording)[0] for wording in wordings]
    forms = [form for verb in plain for form in (verb.base, verb.third, verb.participle)]
    return {word for text in (*SHAPES, *COLOURS, *wordings, *forms) for word in split_words(text)}


class Lexicon(NamedTuple):
    """What words mean, worked out from the tables."""

    words: dict[str, tuple[Atom, ...]]
    """For each known word what it names; nothing for fillers."""
    motions: dict[frozenset[str], str]
    """The motion that plain words make together."""


def ways(wording: str, plainly: bool = False) -> list[tuple[str, ...]]:
    """All ways to say what follows the first word of a plain wording, forms of one way together, the plain one first.

    Diagonals are put together from every way to say their two directions. ``plainly`` leaves out what goes only with
    the whole wording.
    """
    plain = wording.partition(" ")[2]
    found = [(plain,), *WAYS.get(plain, ()), *(() if plainly else WAYS.get(wording, ()))]
    along, _, across = plain.partition("-")
    if along in OPPOSITE and across in OPPOSITE:
        pairs = list(product(_forms(along), _forms(across)))
        found.append(tuple(f"{one} and {other}" for one, other in pairs))
        found.append(tuple(f"diagonally {one} and {other}" for one, other in pairs))
        found.append(tuple(f"{one} {across}" for one in _forms(along) if " the " in one))  # to the top left
    return found


def verbs(wording: str) -> tuple[Verb, ...]:
    """The verbs that may stand for the first word of a plain wording, its own first."""
    participle = wording.partition(" ")[0]
    return VERBS.get(participle, (Verb(f"be {participle}", f"is {participle}", participle),))


def _forms(direction: str) -> list[str]:
    return [direction, *(form for forms in WAYS[direction] for form in forms)]


@cache
def _lexicon(shapes: Sequence[str], colours: Sequence[str], motions: Sequence[str]) -> Lexicon:
    wordings = {wording: name for name in motions for wording in MOTIONS[name].wordings}
    words: dict[str, tuple[Atom, ...]] = dict.fromkeys(FILLERS, ())
    words |= {name: (("shape", name),) for name in shapes} | {name: (("colour", name),) for name in colours}
    for word in (word for wording in wordings for word in split_words(wording)):
        words[word] = () if word in GENERAL else (("motion", word),)

    def meaning(text: str) -> tuple[Atom, ...]:
        return tuple(dict.fromkeys(atom for word in split_words(text) for atom in words.get(word, ())))

    for text, plain in _synonyms():
        said = meaning(text)  # by words that are known already: in "anti-clockwise" only "anti" is new
        for word in split_words(text):
            words.setdefault(word, tuple(atom for atom in meaning(plain) if atom not in said))
    texts = {text: name for text, name in HEARD_MOTIONS.items() if name in motions}
    for wording, name in wordings.items():
        verb = wording.partition(" ")[0]
        texts |= {f"{verb} {way}": name for forms in ways(wording) for way in forms}
    return Lexicon(
        words, {frozenset(atom for _, atom in meaning(text)): name for text, name in texts.items()}
    )


def _synonyms() -> Iterator[tuple[str, str]]:
    """Texts of the tables, each with the plain words that it stands for."""
    for plain, groups in (NOUNS | COLOUR_NAMES | WAYS).items():
        for forms in groups:
            yield from ((form, plain.partition(" ")[2] or plain) for form in forms)
    for wording, entries in VERBS.items():
        for verb in entries:
            yield from ((text, wording) for text in verb.meanings)
    yield from HEARD.items()


def _origins(words: Sequence[str], lexicon: Lexicon) -> set[str]:
    """Where a prompt says that the object comes from: left in "from left to right" and in "left to right".

    Without the opposite beside it, it is no direction that captions have: then "from" is among the answer.
    """
    if "from" not in words and "to" not in words:
        return set()
    rest = [word for word in words if word != "the"]
    directions = [{atom for _, atom in lexicon.words.get(word, ()) if atom in OPPOSITE} for word in rest]
    directions += [set(), set()]
    found: set[str] = set()
    for i, word in enumerate(rest):
        if word == "from":
            found |= directions[i + 1] | (directions[i + 2] if directions[i + 1] else set())
        elif word == "to" and i:
            found |= {atom for atom in directions[i - 1] if OPPOSITE[atom] in directions[i + 1]}
    named = set().union(*directions)
    return found if all(OPPOSITE[atom] in named for atom in found) else {*found, "from"}
