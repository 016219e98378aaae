"""Captions of clips, and what a prompt asks for."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

from text2video.request import Request, Scene
from text2video.text.spelling import tokenize
from text2video.world import words as vocabulary
from text2video.world.colours import COLOURS, PATTERNS, TONES
from text2video.world.motions import MOTIONS, SIZES, SPEEDS
from text2video.world.shapes import SHAPES
from text2video.world.words import OPPOSITE, Verb

Atom = tuple[str, str]  # shape, colour, motion, size or speed, and a plain word
Words = dict[str, tuple[Atom, ...]]
GENERAL = {"moving"}  # says nothing that the direction beside it does not say


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
    words = [word for part in _parts(prompt) for word in part]
    return _read_clause(_take_backdrops(words)[0])[0]


def parse_scene(prompt: str) -> Scene:
    """What a prompt names: its objects, one or more, and the background; None as in ``parse_prompt``."""
    return read_scene(prompt).scene


class Reading(NamedTuple):
    """What was understood of a prompt, and what was not."""

    scene: Scene
    unknown: list[str]
    """Words that mean nothing here, in their order; words that say nothing ("please") are not among them."""
    unclear: dict[str, list[str]]
    """What is named in contradiction or in part: the words, by shape, colour, motion, size, speed and background."""


def read_scene(prompt: str) -> Reading:
    """What ``parse_scene`` understands, and the words that it does not.

    Clauses are parted by commas and words like "and", and each has one noun; "two red circles" are two objects. A
    clause without a motion shares that of the next one: "a circle and a square moving up".
    """
    rests, taken, names = zip(*map(_take_backdrops, _parts(prompt)), strict=True)
    named = [name for part in names for name in part]
    unclear = {"background": [word for part in taken for word in part]}
    objects: list[Request] = []
    unknown: list[str] = []
    following: list[str] = []
    for clause in reversed(_clauses(rests)):
        numbers = [word for word in clause if word in vocabulary.HEARD_NUMBERS]
        words = [word for word in clause if word not in vocabulary.HEARD_NUMBERS]
        said = [word for word in words if _kinds(word) & {"motion", "speed"} or word in ("from", "to")]
        following = said if any("motion" in _kinds(word) for word in said) else following
        shared = [] if said else following
        found, strange, doubts = _read_clause([*words, *shared])
        objects = [found] * max([1, *(vocabulary.HEARD_NUMBERS[word] for word in numbers)]) + objects
        unknown = strange + unknown
        for kind, doubtful in doubts.items():
            unclear[kind] = doubtful + unclear.get(kind, [])
    if len(named) < 2 and None not in named:
        del unclear["background"]
    scene = Scene(tuple(objects), named[0] if len(named) == 1 else None)
    return Reading(scene, list(dict.fromkeys(unknown)), unclear)


def _read_clause(words: list[str]) -> tuple[Request, list[str], dict[str, list[str]]]:
    """The object that words name, those of them that are unknown, and those that are unclear, by kind."""
    known, motions = _lexicon()
    told: dict[str, dict[str, list[str]]] = {kind: {} for kind in Request._fields}  # atom -> words
    for word in words:
        for kind, atom in known.get(word, ()):
            told[kind].setdefault(atom, []).append(word)
    named = {kind: next(iter(atoms)) if len(atoms) == 1 else None for kind, atoms in told.items()}
    motion = motions.get(frozenset(told["motion"]).symmetric_difference(_origins(words, known)))
    for detail in ("size", "speed"):  # "a small circle growing": small when?
        if motion and detail not in MOTIONS[motion].details:
            named[detail] = None
    unclear = {
        kind: [word for group in atoms.values() for word in group]
        for kind, atoms in told.items()
        if atoms and (named | {"motion": motion})[kind] is None
    }
    unknown = dict.fromkeys(word for word in words if word not in known)
    return Request(**named | {"motion": motion}), list(unknown), unclear


def _parts(prompt: str) -> list[list[str]]:
    """The words of a prompt, parted by its punctuation; hyphens and apostrophes do not part."""
    return [split_words(part) for part in re.split(r"[,.;:&+!?]", unicodedata.normalize("NFKC", prompt))]


def _take_backdrops(words: list[str]) -> tuple[list[str], list[str], list[str | None]]:
    """The words that are not about the background, those that are, and the backgrounds that they name, None for an
    unknown one: before the word "background" or behind it, "a yellow background", "the background is yellow"."""
    at = next((i for i, word in enumerate(words) if word in vocabulary.HEARD_BACKDROPS), None)
    if at is None:
        return words, [], []
    before = next((i for i in range(at - 1, -1, -1) if words[i] not in vocabulary.BACKDROP_FILLERS), at)
    behind = next((i for i in range(at + 1, len(words)) if words[i] not in vocabulary.BACKDROP_FILLERS), at)
    names = _backgrounds()
    place = next((i for i in (before, behind) if words[i] in names), at)
    first, last = min(place, at), max(place, at) + 1
    while first and words[first - 1] in vocabulary.TONE_ADJECTIVES:
        first -= 1
    rest, taken, named = _take_backdrops(words[last:])
    return [*words[:first], *rest], [*words[first:last], *taken], [names.get(words[place]), *named]


@cache
def _backgrounds() -> dict[str, str]:
    """What each word that names a background stands for."""
    known = vocabulary.COLOUR_NAMES | vocabulary.BACKGROUND_NAMES
    named = {name: ((name,), *known.get(name, ())) for name in (*TONES, *PATTERNS)}
    forms = {form: name for name, groups in named.items() for forms in groups for form in forms}
    return forms | vocabulary.HEARD_BACKGROUNDS


def _clauses(parts: Iterable[list[str]]) -> list[list[str]]:
    """Words by the object that they are about: one clause or more, each but a single one with a noun."""
    pieces: list[list[str]] = []
    for part in parts:
        pieces.append([])
        for word in part:
            if word in vocabulary.CONNECTIVES:
                pieces.append([])
            pieces[-1].append(word)
    clauses: list[list[str]] = []
    waiting: list[str] = []  # a piece without a noun that is about the next one
    for piece in filter(None, pieces):
        start = next((word for word in piece if word not in vocabulary.CONNECTIVES), "")
        if any(map(_is_noun, piece)):
            clauses.append([*waiting, *piece])
            waiting = []
        elif clauses and not waiting and start not in {"a", "an", "the", *vocabulary.HEARD_NUMBERS}:
            clauses[-1] += piece
        else:
            waiting += piece
    if any(word not in vocabulary.FILLERS for word in waiting) or not clauses:  # "and a hexagon moving up"
        clauses.append(waiting)
    return clauses


def _is_noun(word: str) -> bool:
    return word in vocabulary.NEUTRAL_NOUNS or ("shape" in _kinds(word) and word not in vocabulary.SHAPE_ADJECTIVES)


def _kinds(word: str) -> set[str]:
    """What a word says something about: shape, colour, motion, size, speed."""
    return {kind for kind, _ in _lexicon()[0].get(word, ())}


def split_words(text: str) -> list[str]:
    """The words of a text, as ``tokenize`` has them; runs of words of HEARD_PHRASES are what they stand for."""
    spaced = f" {' '.join(tokenize(text))} "
    for phrase, plain in vocabulary.HEARD_PHRASES.items():
        spaced = spaced.replace(f" {phrase} ", f" {plain} ")
    return spaced.split()


def ways(wording: str, plainly: bool = False) -> list[tuple[str, ...]]:
    """All ways to say what follows the first word of a plain wording, forms of one way together, the plain one first.

    Diagonals are put together from every way to say their two directions. ``plainly`` leaves out what goes only with
    the whole wording.
    """
    plain = wording.partition(" ")[2]
    found = [(plain,), *vocabulary.WAYS.get(plain, ()), *(() if plainly else vocabulary.WAYS.get(wording, ()))]
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
    return vocabulary.VERBS.get(participle, (Verb(f"be {participle}", f"is {participle}", participle),))


def _forms(direction: str) -> list[str]:
    return [direction, *(form for forms in vocabulary.WAYS[direction] for form in forms)]


@cache
def _lexicon() -> tuple[Words, dict[frozenset[str], str]]:
    """What each known word names, nothing for fillers, and the motion that plain words make together."""
    wordings = {wording: name for name, motion in MOTIONS.items() for wording in motion.wordings}
    words: Words = dict.fromkeys(vocabulary.FILLERS, ())
    for kind, names in (("shape", SHAPES), ("colour", COLOURS), ("size", SIZES), ("speed", SPEEDS)):
        words |= {name: ((kind, name),) for name in names}
    for word in (word for wording in wordings for word in split_words(wording)):
        words[word] = () if word in GENERAL else (("motion", word),)

    def meaning(text: str) -> tuple[Atom, ...]:
        return tuple(dict.fromkeys(atom for word in split_words(text) for atom in words.get(word, ())))

    for text, plain in _synonyms():
        said = meaning(text)  # by words that are known already: in "anti-clockwise" only "anti" is new
        for word in split_words(text):
            words.setdefault(word, tuple(atom for atom in meaning(plain) if atom not in said))
    texts = {text: name for text, name in vocabulary.HEARD_MOTIONS.items() if name in MOTIONS}
    for wording, name in wordings.items():
        verb = wording.partition(" ")[0]
        texts |= {f"{verb} {way}": name for forms in ways(wording) for way in forms}
    return words, {frozenset(atom for _, atom in meaning(text)): name for text, name in texts.items()}


def _synonyms() -> Iterator[tuple[str, str]]:
    """Texts of the tables, each with the plain words that it stands for."""
    names = vocabulary.NOUNS | vocabulary.COLOUR_NAMES | vocabulary.SIZE_NAMES | vocabulary.SPEED_NAMES
    for plain, groups in (names | vocabulary.WAYS).items():
        for forms in groups:
            yield from ((form, plain.partition(" ")[2] or plain) for form in forms)
    for wording, entries in vocabulary.VERBS.items():
        for verb in entries:
            yield from ((text, wording) for text in verb.meanings)
    nouns = {name: (name, *(form for forms in vocabulary.NOUNS.get(name, ()) for form in forms)) for name in SHAPES}
    yield from ((plural(form), name) for name, forms in nouns.items() for form in forms)
    yield from vocabulary.HEARD.items()


def with_article(noun: str) -> str:
    """``a circle``, ``an orange circle``."""
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def plural(noun: str) -> str:
    """``boxes`` of ``box``, ``plus signs`` of ``plus sign``."""
    return f"{noun}es" if noun.endswith(("s", "x")) else f"{noun}s"


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
    named = set().union(*directions)
    return found if all(OPPOSITE[atom] in named for atom in found) else {*found, "from"}
