"""Captions in the wordings that are trained on, and in those that are held out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np

from text2video.world.captions import plain_words, split_words, verbs, ways
from text2video.world.motions import MOTIONS
from text2video.world.splits import Triple
from text2video.world.words import COLOUR_NAMES, FILLERS, HEARD, NOUNS, PLAIN, TEMPLATES, VERBS, WAYS, Verb

DICE = 6  # random numbers that a caption may use

Option = TypeVar("Option")
Forms = tuple[str, ...]  # of one word or way
Predicate = tuple[Verb, list[Forms]]  # a verb, and the ways that may follow it


class Phrases(NamedTuple):
    """How each shape, colour and motion may be said."""

    shape: dict[str, list[Forms]]
    colour: dict[str, list[Forms]]
    motion: dict[str, list[Predicate]]


class Wordings:
    """Templates and words that captions use: those that are trained on, and those that are held out.

    ``share`` of the templates and ``share`` of the synonyms, chosen at random, are held out; plain words and the plain
    template never. Every word of a held-out template is in a trained one too.
    """

    def __init__(self, triples: Sequence[Triple], share: float, rng: np.random.Generator) -> None:
        self.templates, self.unseen_templates = _split_templates(share, rng)
        phrases = _phrases([list(dict.fromkeys(column)) for column in zip(*triples, strict=True)])
        synonyms = _synonyms(phrases)
        chosen = rng.permutation(len(synonyms))[: round(share * len(synonyms))]
        self.unseen_words = frozenset(chain.from_iterable(synonyms[i] for i in chosen))
        """Every form of the held-out synonyms."""
        self._trained = _part(phrases, self.unseen_words, unseen=False)
        self._unseen = _part(phrases, self.unseen_words, unseen=True)

    def trained(self, triple: Triple, named: bool, dice: Sequence[float]) -> str:
        """A caption as training has them, with or without the colour; ``dice`` holds DICE numbers in [0, 1)."""
        return _say(self.templates, named, dice, *self._options(triple))

    def with_unseen_template(self, triple: Triple, named: bool, dice: Sequence[float]) -> str:
        """A caption of trained words in a template that is held out."""
        return _say(self.unseen_templates, named, dice, *self._options(triple))

    def with_unseen_synonym(self, triple: Triple, named: bool, dice: Sequence[float]) -> str:
        """A caption in a trained template, with one synonym that is held out."""
        nouns, colours, predicates = self._options(triple)
        unseen = pick(self._unseen_aspects(triple), dice[5])
        match unseen:
            case "shape":
                nouns = self._unseen.shape[triple.shape]
            case "colour":
                named, colours = True, self._unseen.colour[triple.colour]
            case _:
                predicates = self._unseen.motion[triple.motion]
        return _say(self.templates, named, dice, nouns, colours, predicates)

    def has_unseen_synonym(self, triple: Triple) -> bool:
        """Whether a synonym for the shape, colour or motion is held out."""
        return bool(self._unseen_aspects(triple))

    def _options(self, triple: Triple) -> tuple[list[Forms], list[Forms], list[Predicate]]:
        known = self._trained
        return known.shape[triple.shape], known.colour[triple.colour], known.motion[triple.motion]

    def _unseen_aspects(self, triple: Triple) -> list[str]:
        unseen = self._unseen
        found = unseen.shape[triple.shape], unseen.colour[triple.colour], unseen.motion[triple.motion]
        return [aspect for aspect, options in zip(Triple._fields, found, strict=True) if options]


def pick(options: Sequence[Option], dice: float) -> Option:
    """One of ``options``, each as likely, by a number in [0, 1)."""
    return options[int(dice * len(options))]


def _say(
    templates: Sequence[str],
    named: bool,
    dice: Sequence[float],
    nouns: list[Forms],
    colours: list[Forms],
    predicates: list[Predicate],
) -> str:
    """A caption from a template and phrases for shape, colour and motion; without a colour, where it is not named."""
    noun, colour = _form(nouns, dice[1]), _form(colours, dice[2])
    verb, ways_ = pick(predicates, dice[3])
    end = " ".join(part for part in (verb.tail, _form(ways_, dice[4])) if part)
    template = pick(templates, dice[0])
    if "{colour}" in template and not named:
        template = pick([other for other in templates if "{colour}" not in other] or [template], dice[0])
    thing = f"{colour} {noun}" if named else noun
    return template.format_map(
        {
            "thing": thing,
            "a thing": _with_article(thing),
            "noun": noun,
            "a noun": _with_article(noun),
            "colour": colour,
            "do": f"{verb.base} {end}".rstrip(),
            "does": f"{verb.third} {end}".rstrip(),
            "doing": f"{verb.participle} {end}".rstrip(),
        }
    )


def _form(groups: list[Forms], dice: float) -> str:
    """A form of one of the groups: each group is as likely, and in it each form."""
    place = dice * len(groups)
    return pick(groups[int(place)], place % 1)


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _split_templates(share: float, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Templates to train on, and ``share`` of them, or as many as the others have the words of, to hold out."""
    wanted = round(share * len(TEMPLATES))
    uses = Counter(word for template in TEMPLATES for word in set(split_words(template)))
    held: list[str] = []
    for i in rng.permutation(len(TEMPLATES)):
        words = set(split_words(TEMPLATES[i]))
        if len(held) < wanted and TEMPLATES[i] != PLAIN and all(uses[word] > 1 for word in words):
            held.append(TEMPLATES[i])
            uses.subtract(words)
    return [template for template in TEMPLATES if template not in held], held


def _phrases(names: Sequence[Sequence[str]]) -> Phrases:
    """Everything that may be said for the shapes, colours and motions of these names."""
    nouns = {name: [(name,), *NOUNS.get(name, ())] for name in names[0]}
    colours = {name: [(name,), *COLOUR_NAMES.get(name, ())] for name in names[1]}
    predicates: dict[str, list[Predicate]] = {}
    for name in names[2]:
        found: dict[Verb, list[Forms]] = {}
        for wording in MOTIONS[name].wordings:
            for verb in verbs(wording):  # "moving back and forth" is not said with "up and down" behind it
                found.setdefault(verb, []).extend(ways(wording, plainly=bool(verb.tail)))
            found |= {verb: [("",)] for verb in VERBS.get(wording, ()) if " " in wording}
        predicates[name] = list(found.items())
    return Phrases(nouns, colours, predicates)


def _synonyms(phrases: Phrases) -> list[frozenset[str]]:
    """The words that can be held out, forms of one word together: none that is plain or says nothing."""
    predicates = [predicate for found in phrases.motion.values() for predicate in found]
    entries = [*chain(*phrases.shape.values()), *chain(*phrases.colour.values())]
    entries += [verb.meanings for verb, _ in predicates]
    said = _words(chain(*entries, *chain(*(groups for _, groups in predicates))))
    entries += [forms for way in WAYS.values() for forms in way]  # by themselves, not as diagonals have them
    never = plain_words() | FILLERS | set(HEARD)
    found = dict.fromkeys(frozenset((_words(forms) & said) - never) for forms in entries)
    return [words for words in found if words]


def _words(texts: Iterable[str]) -> set[str]:
    return set(chain.from_iterable(map(split_words, texts)))


def _part(phrases: Phrases, held_out: frozenset[str], unseen: bool) -> Phrases:
    """Phrases without held-out words; or those with one, of a verb and the way behind it in one of the two."""

    def new(texts: Iterable[str]) -> bool:
        return not held_out.isdisjoint(_words(texts))

    def part(groups: list[Forms], wanted: bool) -> list[Forms]:
        kept = [tuple(form for form in forms if new([form]) == wanted) for forms in groups]
        return [forms for forms in kept if forms]

    predicates: dict[str, list[Predicate]] = {name: [] for name in phrases.motion}
    for name, found in phrases.motion.items():
        for verb, groups in found:
            novel = new([verb.base, verb.third, verb.participle, verb.tail])
            if (kept := part(groups, unseen and not novel)) and unseen >= novel:
                predicates[name].append((verb, kept))
    return Phrases(
        {name: part(groups, unseen) for name, groups in phrases.shape.items()},
        {name: part(groups, unseen) for name, groups in phrases.colour.items()},
        predicates,
    )
