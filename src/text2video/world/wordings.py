"""Captions in the wordings that are trained on, and in those that are held out."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import numpy as np

from text2video.request import Request, Scene
from text2video.world import words as vocabulary
from text2video.world.colours import COLOURS, PATTERNS, TONES
from text2video.world.lexicon import plural, split_words, verbs, ways, with_article
from text2video.world.motions import MOTIONS, SIZES, SPEEDS
from text2video.world.shapes import SHAPES
from text2video.world.words import Verb

DICE = 12  # random numbers that a caption of one object may use: six for its triple, six for the rest
OWN_DICE = 7  # and of each other object
ASPECTS = (*Request._fields, "background")

Option = TypeVar("Option")
Forms = tuple[str, ...]  # of one word or way
Predicate = tuple[Verb, list[Forms]]  # a verb, and the ways that may follow it
Details = Sequence[Sequence[str]]  # the sizes, speeds and backgrounds that captions may name
Phrases = dict[str, dict[str, list[Any]]]  # how each shape, colour, motion, size, speed and background may be said


class Clause(NamedTuple):
    """How one object, or several alike, may be said. Size and speed are said where there are words for them."""

    nouns: list[Forms]
    colours: list[Forms]
    predicates: list[Predicate]
    sizes: list[Forms]
    speeds: list[Forms]
    coloured: bool
    """Whether the colour is said."""
    number: str = ""
    """How many objects, in words; "" for one."""


class Wordings:
    """Templates and words that captions use: those that are trained on, and those that are held out.

    ``share`` of the templates and ``share`` of the synonyms, chosen at random, are held out; plain words and the plain
    template never. Every word of a held-out template is in a trained one too. Besides triples, captions may name the
    ``details``: sizes, speeds and backgrounds.
    """

    def __init__(
        self, triples: Sequence[Request], share: float, rng: np.random.Generator, details: Details = ((), (), ())
    ) -> None:
        self.templates, self.unseen_templates = _split_templates(vocabulary.TEMPLATES, share, rng)
        columns = list(zip(*(triple[:3] for triple in triples), strict=True))
        names = (list(dict.fromkeys(column)) for column in (*columns, *details))
        phrases = _phrases(dict(zip(ASPECTS, names, strict=True)))
        synonyms = _synonyms(phrases)
        chosen = rng.permutation(len(synonyms))[: round(share * len(synonyms))]
        held = set(chain.from_iterable(synonyms[i] for i in chosen))
        nouns = _words(chain.from_iterable(chain(*phrases["shape"].values())))
        self.unseen_words = frozenset(held | {plural(word) for word in held & nouns})
        """Every form of the held-out synonyms."""
        self.backdrops, self.unseen_backdrops = _split_templates(vocabulary.BACKDROPS, share, rng)
        """Templates that name a background."""
        self._trained = _part(phrases, self.unseen_words, unseen=False)
        self._unseen = _part(phrases, self.unseen_words, unseen=True)

    def unseen_aspects(self, one: Request) -> list[str]:
        """For which of shape, colour, motion, size and speed a synonym is held out."""
        return [aspect for aspect, name in one._asdict().items() if self._unseen[aspect].get(name)]

    def _unseen_options(self, said: Scene, shown: Scene) -> list[tuple[int, str]]:
        """The objects and their aspects for which a held-out word can be said."""
        pairs = zip(said.objects, shown.objects, strict=True)
        named = [one._replace(colour=other.colour) for one, other in pairs]
        options = [(number, aspect) for number, one in enumerate(named) for aspect in self.unseen_aspects(one)]
        return options + [(0, "background")] * bool(self._unseen["background"].get(said.background or ""))

    def say(self, split: str, said: Scene, shown: Scene, dice: Sequence[float]) -> str:
        """A caption as clips of ``split`` have it. Of what is ``shown`` it names what is not None in ``said``.

        It is as training has it, but for a template that is held out, also of a background, in ``unseen_template``;
        and for one synonym that is held out, perhaps for a colour that is not said, or for the background, in
        ``unseen_synonym``. ``dice`` holds DICE numbers in [0, 1), and OWN_DICE for each object but the first; of
        details unsaid, the first six are enough.
        """
        templates, backdrops = self.templates, self.backdrops
        unseen: tuple[int, str] | None = None
        if split == "unseen_template":
            templates, backdrops = self.unseen_templates, self.unseen_backdrops or self.backdrops
        elif split == "unseen_synonym":
            unseen = pick(self._unseen_options(said, shown), dice[5])
        alike = len(set(said.objects)) == 1 < len(said.objects)
        if unseen and alike:
            unseen = (0, unseen[1])
        clauses = []
        for number, one in enumerate(said.objects[:1] if alike else said.objects):
            named = one._replace(colour=shown.objects[number].colour)._asdict()
            options = [
                (self._unseen if unseen == (number, aspect) else self._trained)[aspect].get(name or "", [])
                for aspect, name in named.items()
            ]
            coloured = one.colour is not None or unseen == (number, "colour")
            count = vocabulary.NUMERALS[len(said.objects)] if alike else ""
            nouns, colours, predicates, sizes, speeds = options
            clauses.append(Clause(nouns, colours, predicates, sizes, speeds, coloured, count))
        scene = _sentence(templates, clauses, dice)
        if said.background is None:
            return scene
        names = self._unseen if unseen and unseen[1] == "background" else self._trained
        name = _form(names["background"][said.background], dice[8])
        fields = {"scene": scene, "background": name, "a background": with_article(name)}
        return pick(backdrops, dice[7]).format_map(fields)


def pick(options: Sequence[Option], dice: float) -> Option:
    """One of ``options``, each as likely, by a number in [0, 1)."""
    return options[int(dice * len(options))]


def _sentence(templates: Sequence[str], clauses: Sequence[Clause], dice: Sequence[float]) -> str:
    """The clauses in one template: the first in all of it, each other one in what it says of an object."""
    fits = [one for one in templates if len(clauses) == 1 or _joins(one)]
    template = pick(fits, dice[0])
    if "{colour}" in template and not all(clause.coloured for clause in clauses):
        template = pick([other for other in fits if "{colour}" not in other] or [template], dice[0])
    start = template.index("{")
    core = template[start - 4 * template[:start].endswith("the ") :]
    own = [(*dice[1:5], *dice[9:DICE])]
    own += [tuple(dice[first : first + OWN_DICE]) for first in range(DICE, len(dice), OWN_DICE)]
    text = _filled(template, clauses[0], own[0])
    for number, clause in enumerate(clauses[1:], 2):
        text += pick(vocabulary.JOINTS, dice[6])[number == len(clauses)] + _filled(core, clause, own[number - 1])
    return text


def _filled(template: str, clause: Clause, dice: Sequence[float]) -> str:
    """A template with phrases for one object or, in the plural, several; without a colour, where it is not said."""
    noun, colour = _form(clause.nouns, dice[0]), _form(clause.colours, dice[1])
    verb, ways_ = pick(clause.predicates, dice[2])
    end = " ".join(part for part in (verb.tail, _form(ways_, dice[3])) if part)
    if clause.number:
        noun = plural(noun)
        template = re.sub(r"\bit\b", "they", re.sub(r"\bis\b", "are", template))
    size = f"{_form(clause.sizes, dice[4])} " if clause.sizes else ""
    phrases = {"thing": f"{size}{colour} {noun}" if clause.coloured else f"{size}{noun}", "noun": f"{size}{noun}"}
    speed, order = (_form(clause.speeds, dice[5]), dice[6]) if clause.speeds else ("", 0)
    verbs_ = {"do": verb.base, "does": verb.base if clause.number else verb.third, "doing": verb.participle}
    fields = {name: _predicate(form, end, speed, order) for name, form in verbs_.items()} | {"colour": colour}
    for name, phrase in phrases.items():
        counted = f"{clause.number} {phrase}"
        fields[name] = counted if clause.number else phrase
        fields[f"a {name}"] = counted if clause.number else with_article(phrase)
    return template.format_map(fields)


def _predicate(verb: str, end: str, speed: str, order: float) -> str:
    """A form of a verb with what follows, and the speed behind or, as an adverb, anywhere."""
    orders = ((verb, end, speed), (verb, speed, end), (speed, verb, end))
    return " ".join(filter(None, pick(orders, order if speed.endswith("ly") else 0)))


def _form(groups: list[Forms], dice: float) -> str:
    """A form of one of the groups: each group is as likely, and in it each form."""
    place = dice * len(groups)
    return pick(groups[int(place)], place % 1)


def _split_templates(templates: Sequence[str], share: float, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Templates to train on, the first, plain one and those for one object alone among them, and ``share`` of all, or
    as many as the others have the words of, to hold out."""
    wanted = round(share * len(templates))
    uses = Counter(word for template in templates for word in set(split_words(template)))
    held: list[str] = []
    for i in rng.permutation(len(templates)):
        words = set(split_words(templates[i]))
        if len(held) < wanted and i and _joins(templates[i]) and all(uses[word] > 1 for word in words):
            held.append(templates[i])
            uses.subtract(words)
    return [template for template in templates if template not in held], held


def _joins(template: str) -> bool:
    """Whether another object can follow what a template says of the first."""
    return not template.startswith("{doing}")


def _phrases(names: Mapping[str, Sequence[str]]) -> Phrases:
    """Everything that may be said for the shapes, colours, motions, sizes, speeds and backgrounds of these names."""
    phrases: Phrases = {
        aspect: {name: [(name,), *vocabulary.SYNONYMS.get(name, ())] for name in column}
        for aspect, column in names.items()
    }
    for name in names["motion"]:
        found: dict[Verb, list[Forms]] = {}
        for wording in MOTIONS[name].wordings:
            for verb in verbs(wording):  # "moving back and forth" is not said with "up and down" behind it
                found.setdefault(verb, []).extend(ways(wording, plainly=bool(verb.tail)))
            ends = [("",), *ways(wording)]  # of what says the direction itself: rises, rises upwards
            found |= {verb: ends for verb in vocabulary.VERBS.get(wording, ()) if " " in wording}
        phrases["motion"][name] = list(found.items())
    return phrases


def _synonyms(phrases: Phrases) -> list[frozenset[str]]:
    """The words that can be held out, forms of one word together: none that is plain, says nothing or is the commonest
    synonym."""
    predicates: list[Predicate] = [predicate for found in phrases["motion"].values() for predicate in found]
    entries: list[Forms] = []
    for aspect, table in phrases.items():
        entries += [verb.meanings for verb, _ in predicates] if aspect == "motion" else chain(*table.values())
    said = _words(chain(*entries, *chain(*(groups for _, groups in predicates))))
    entries += [forms for way in vocabulary.WAYS.values() for forms in way]  # by themselves, not as diagonals have them
    never = _plain_words() | _commonest() | vocabulary.FILLERS | set(vocabulary.HEARD)
    found = dict.fromkeys(frozenset((_words(forms) & said) - never) for forms in entries)
    return [words for words in found if words]


def _plain_words() -> set[str]:
    """The words of the tables of what can be shown, and the other forms of their verbs."""
    wordings = [wording for motion in MOTIONS.values() for wording in motion.wordings]
    forms = chain(*(verbs(wording)[0][:3] for wording in wordings))
    return _words((*SHAPES, *COLOURS, *SIZES, *SPEEDS, *TONES, *PATTERNS, *wordings, *forms))


def _commonest() -> set[str]:
    """The words of the first synonym of each plain word that has several: people would miss it most."""
    named = chain(*(forms[0] for forms in vocabulary.SYNONYMS.values() if len(forms) > 1))
    done = [found if " " in plain else found[1:] for plain, found in vocabulary.VERBS.items()]
    return _words(chain(named, *(found[0].meanings for found in done if len(found) > 1)))


def _words(texts: Iterable[str]) -> set[str]:
    return set(chain.from_iterable(map(split_words, texts)))


def _part(phrases: Phrases, held_out: frozenset[str], unseen: bool) -> Phrases:
    """Phrases without held-out words; or those with one, of a verb and the way behind it in one of the two."""

    def new(texts: Iterable[str]) -> bool:
        return not held_out.isdisjoint(_words(texts))

    def part(groups: list[Forms], wanted: bool) -> list[Forms]:
        kept = [tuple(form for form in forms if new([form]) == wanted) for forms in groups]
        return [forms for forms in kept if forms]

    predicates: dict[str, list[Predicate]] = {name: [] for name in phrases["motion"]}
    for name, found in phrases["motion"].items():
        for verb, groups in found:
            novel = new([verb.base, verb.third, verb.participle, verb.tail])
            if (kept := part(groups, unseen and not novel)) and unseen >= novel:
                predicates[name].append((verb, kept))
    others = {
        aspect: {name: part(groups, unseen) for name, groups in table.items()}
        for aspect, table in phrases.items()
        if aspect != "motion"
    }
    return others | {"motion": predicates}
