"""What each word of captions and prompts names, and how each thing may be said."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, product

from text2video.text.spelling import tokenize
from text2video.world import words as vocabulary
from text2video.world.colours import COLOURS
from text2video.world.motions import MOTIONS, SIZES, SPEEDS
from text2video.world.shapes import SHAPES
from text2video.world.words import OPPOSITE, Verb

Atom = tuple[str, str]  # shape, colour, motion, size or speed, and a plain word
Words = dict[str, tuple[Atom, ...]]
GENERAL = {"moving"}  # says nothing that the direction beside it does not say


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
        pairs = list(product(forms_of(along), forms_of(across)))
        found.append(tuple(f"{one} and {other}" for one, other in pairs))
        found.append(tuple(f"diagonally {one} and {other}" for one, other in pairs))
        found.append(tuple(f"{to} the {end} {across}" for to in ("to", "towards") for end in vocabulary.ENDS[along]))
    return found


def verbs(wording: str) -> tuple[Verb, ...]:
    """The verbs that may stand for the first word of a plain wording, its own first."""
    participle = wording.partition(" ")[0]
    return vocabulary.VERBS.get(participle, (Verb(f"be {participle}", f"is {participle}", participle),))


def with_article(noun: str) -> str:
    """``a circle``, ``an orange circle``."""
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def plural(noun: str) -> str:
    """``boxes`` of ``box``, ``plus signs`` of ``plus sign``."""
    return f"{noun}es" if noun.endswith(("s", "x")) else f"{noun}s"


def kinds(word: str) -> set[str]:
    """What a word says something about: shape, colour, motion, size, speed."""
    return {kind for kind, _ in lexicon()[0].get(word, ())}


def named(kind: str, words: Iterable[str]) -> set[str]:
    """What words name of a kind."""
    return {atom for word in words for of, atom in lexicon()[0].get(word, ()) if of == kind}


def looks(word: str) -> bool:
    """Whether a word is a noun or says how an object looks."""
    return is_noun(word) or not kinds(word).isdisjoint(("shape", "colour", "size"))


def looks_of(words: Sequence[str]) -> set[str]:
    """The colours and sizes that words name."""
    return named("colour", words) | named("size", words)


def is_noun(word: str) -> bool:
    """Whether a word stands for an object: a shape, or "something"."""
    if plurals().get(word, word) in vocabulary.NEUTRAL_NOUNS:
        return True
    return "shape" in kinds(word) and word not in vocabulary.SHAPE_ADJECTIVES


@cache
def plurals() -> dict[str, str]:
    """Each noun in the plural with its singular, both as one word: "signs" of "plus sign"."""
    nouns = (split_words(noun)[-1] for noun in (*chain(*map(forms_of, SHAPES)), *vocabulary.NEUTRAL_NOUNS))
    return {plural(noun): noun for noun in nouns}


@cache
def colour_words() -> set[str]:
    """The words that name the colour of an object."""
    return {word for word in lexicon()[0] if "colour" in kinds(word)}


def forms_of(plain: str) -> list[str]:
    """A plain word and all its synonyms."""
    return [plain, *chain(*vocabulary.SYNONYMS.get(plain, ()))]


@cache
def lexicon() -> tuple[Words, dict[frozenset[str], str]]:
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
    yield from ((plural(form), name) for name in SHAPES for form in forms_of(name))
    yield from ((end, way) for way, ends in vocabulary.ENDS.items() for end in ends)
    yield from vocabulary.HEARD.items()
