"""Captions of clips, and what a prompt asks for."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, product
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
# Where something is: no motion, but for "in the left direction".
SIDES = "(?: (?:up|down|left|right|top|bottom|upper|lower))"
PLACE = re.compile(rf"\bnext to\b|\b(?:on|at|in)(?: the)?{SIDES}+\b(?!{SIDES}* directions?\b)")


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
    return _read_clause(_with_sizes(_take_backdrops(words)[0]))[0]


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
    clause without a motion shares that of the next one: "a circle and a square moving up". Objects of which the number
    is not said are read as one.
    """
    rests, taken, names = zip(*map(_take_backdrops, _parts(prompt)), strict=True)
    named = [name for part in names for name in part]
    unclear = {"background": [word for part in taken for word in part]}
    objects: list[Request] = []
    unknown: list[str] = []
    following: list[str] = []
    for clause in reversed(_clauses(rests)):
        words = _with_sizes(_uncounted(clause))
        said = [word for word in words if _kinds(word) & {"motion", "speed"} or word in ("from", "to")]
        following = said if any("motion" in _kinds(word) for word in said) else following
        shared = [] if said else following
        found, strange, doubts = _read_clause([*words, *shared])
        nouns = list(filter(_is_noun, clause))
        if nouns and clause == _uncounted(clause) and _plurals().keys() >= {*nouns} and not strange:
            doubts["number"] = nouns
        objects = [found] * _count(clause) + objects
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
    partners = vocabulary.PARTNERS
    unknown = dict.fromkeys(word for word in words if word not in known or partners.get(word, word) not in words)
    return Request(**named | {"motion": motion}), list(unknown), unclear


def _parts(prompt: str) -> list[list[str]]:
    """The words of a prompt, parted by its punctuation; hyphens and apostrophes do not part. A place is one word."""
    parts = (split_words(part) for part in re.split(r"[,.;:&+!?]", unicodedata.normalize("NFKC", prompt)))
    placed = (PLACE.sub(lambda place: place[0].replace(" ", "_"), " ".join(words)) for words in parts)
    return [[word.replace("_", " ") for word in words.split()] for words in placed]


def _take_backdrops(words: list[str]) -> tuple[list[str], list[str], list[str | None]]:
    """The words that are not about the background, those that are, and the backgrounds that they name, None for an
    unknown one and for a colour beside another: before the word "background" or behind it, "a yellow background", "the
    background is yellow"."""
    at = next((i for i, word in enumerate(words) if word in vocabulary.HEARD_BACKDROPS), None)
    if at is None:
        return words, [], []
    before = next((i for i in range(at - 1, -1, -1) if words[i] not in vocabulary.BACKDROP_FILLERS), at)
    behind = next((i for i in range(at + 1, len(words)) if words[i] not in vocabulary.BACKDROP_FILLERS), at)
    names = _backgrounds()
    tones = names.keys() | _colours()
    place = next((i for words_ in (names, tones) for i in (before, behind) if words[i] in words_), at)
    first, last = min(place, at), max(place, at) + 1
    named = [names.get(words[place])]
    while first and words[first - 1] in vocabulary.TONE_ADJECTIVES | tones:
        first -= 1
        named += [None] if words[first] in tones else []
    rest, taken, others = _take_backdrops(words[last:])
    return [*words[:first], *rest], [*words[first:last], *taken], [*named, *others]


@cache
def _backgrounds() -> dict[str, str]:
    """What each word that names a background stands for."""
    return {form: name for name in (*TONES, *PATTERNS) for form in _forms(name)} | vocabulary.HEARD_BACKGROUNDS


def _clauses(parts: Iterable[list[str]]) -> list[list[str]]:
    """Words by the object that they are about: one clause or more, each but a single one with a noun."""
    groups: list[list[list[str]]] = []  # a clause, and the pieces about "one" more of its kind
    waiting: list[list[str]] = []  # pieces without a noun that are about the next one
    for piece in (piece for part in parts for piece in _pieces(part)):
        start = _start(piece)
        if any(map(_is_noun, piece)):
            groups += ([clause] for clause in _sharing_a_noun(waiting, piece))
            waiting = []
        elif groups and not waiting and (start in vocabulary.ONES or (start in vocabulary.ARTICLES and "one" in piece)):
            groups[-1].append(piece)
        elif waiting or not groups or start in vocabulary.ARTICLES | vocabulary.HEARD_NUMBERS.keys():
            waiting.append(piece)
        else:
            groups[-1][-1] += piece
    clauses = [clause for group in groups for clause in _told_one_by_one(*group)]
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
        if piece[0] in vocabulary.CONNECTIVES or any(map(_is_noun, piece)):
            joined.append(piece)
        else:
            joined[-1] += piece
    return list(filter(None, joined))


def _sharing_a_noun(waiting: list[list[str]], piece: list[str]) -> list[list[str]]:
    """The clauses of a piece with a noun and of those before it, which are about it too, or about another object of its
    colour: "a red and a blue circle", "red and blue circles"."""
    coloured = [one for one in waiting if _named("colour", one)]
    others = [word for one in waiting if one not in coloured for word in one]
    several = {*piece[1:2]} & {*vocabulary.ARTICLES, *vocabulary.ONES, *vocabulary.HEARD_NUMBERS}
    several |= {*piece} & _plurals().keys()
    if not (coloured and _named("colour", piece) and piece[0] == "and" and several):
        return [[*(word for one in waiting for word in one), *piece]]
    counted = any(map(vocabulary.HEARD_NUMBERS.get, [*chain(*coloured), *piece]))
    return [*([*one, *_nouns(piece)] for one in coloured), [*others, *(piece if counted else _singular(piece))]]


def _told_one_by_one(clause: list[str], *ones: list[str]) -> list[list[str]]:
    """A clause and more objects of its shape, "two circles moving left and one moving up"; or those that it counts,
    "two circles, one red and one blue"."""
    moved = _named("motion", clause) and ones and _named("motion", ones[0])
    if not ones or _uncounted(clause) == clause or ones[0][0] in vocabulary.CONNECTIVES or moved:
        return [clause, *([*one, *_nouns(clause)] for one in ones)]
    if len(ones) == _count(clause):
        return [[*_singular(_uncounted(clause)), *one] for one in ones]
    return [[*clause, *chain(*ones)]]


def _without_repetitions(clauses: list[list[str]]) -> list[list[str]]:
    """The clauses, those about an object that has been named joined to the first: "a red circle, …, the circle moves
    up"."""
    kept: list[list[str]] = []
    for clause in clauses:
        shape, colour = _named("shape", clause), _named("colour", clause)
        still = [one for one in kept if not _named("motion", one) | _named("speed", one)]
        alike = [one for one in still if shape and _named("shape", one) == shape]
        meant = [one for one in alike if _named("colour", one) >= colour]
        meant = meant or [one for one in alike if not _named("colour", one)]
        if len(meant) == 1 and _start(clause) in ("the", "it"):
            meant[0] += clause
        else:
            kept.append(clause)
    return kept


def _without_heading(clauses: list[list[str]]) -> list[list[str]]:
    """The clauses without a first one that only counts the others: "two shapes: a circle and a square"."""
    first, *others = clauses
    moved = _named("motion", first) and any(_named("motion", other) for other in others)
    counted = _count(first) > 1 and _count(first) == sum(map(_count, others))
    if not counted or moved or _named("shape", first) or others[0][0] in vocabulary.CONNECTIVES:
        return clauses
    rest = [word for word in _uncounted(first) if not _is_noun(word)]
    return [[*rest, *other] for other in others]


def _start(words: Iterable[str]) -> str:
    return next((word for word in words if word not in vocabulary.CONNECTIVES), "")


def _count(words: Iterable[str]) -> int:
    """How many objects a clause is about, as far as it says it."""
    return max([1, *(vocabulary.HEARD_NUMBERS.get(word, 1) for word in words)])


def _uncounted(words: Iterable[str]) -> list[str]:
    return [word for word in words if word not in vocabulary.HEARD_NUMBERS]


def _nouns(words: Iterable[str]) -> list[str]:
    """What a clause says of the shape, in the singular."""
    return _singular(word for word in words if _is_noun(word) or "shape" in _kinds(word))


def _singular(words: Iterable[str]) -> list[str]:
    return [_plurals().get(word, word) for word in words]


@cache
def _colours() -> set[str]:
    """The words that name the colour of an object."""
    return {word for word in _lexicon()[0] if "colour" in _kinds(word)}


@cache
def _plurals() -> dict[str, str]:
    """Each noun in the plural with its singular, both as one word: "signs" of "plus sign"."""
    nouns = (split_words(noun)[-1] for noun in (*chain(*map(_forms, SHAPES)), *vocabulary.NEUTRAL_NOUNS))
    return {plural(noun): noun for noun in nouns}


def _with_sizes(words: list[str]) -> list[str]:
    """Words with "small" for "smaller", unless something gets smaller."""
    if not vocabulary.CHANGES.isdisjoint(words):
        return words
    return [vocabulary.COMPARATIVES.get(word, word) for word in words]


def _is_noun(word: str) -> bool:
    if _plurals().get(word, word) in vocabulary.NEUTRAL_NOUNS:
        return True
    return "shape" in _kinds(word) and word not in vocabulary.SHAPE_ADJECTIVES


def _named(kind: str, words: Iterable[str]) -> set[str]:
    """What words name of a kind."""
    return {atom for word in words for of, atom in _lexicon()[0].get(word, ()) if of == kind}


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
        found.append(tuple(f"{to} the {end} {across}" for to in ("to", "towards") for end in vocabulary.ENDS[along]))
    return found


def verbs(wording: str) -> tuple[Verb, ...]:
    """The verbs that may stand for the first word of a plain wording, its own first."""
    participle = wording.partition(" ")[0]
    return vocabulary.VERBS.get(participle, (Verb(f"be {participle}", f"is {participle}", participle),))


def _forms(plain: str) -> list[str]:
    """A plain word and all its synonyms."""
    return [plain, *chain(*vocabulary.SYNONYMS.get(plain, ()))]


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
    yield from ((plural(form), name) for name in SHAPES for form in _forms(name))
    yield from ((end, way) for way, ends in vocabulary.ENDS.items() for end in ends)
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
