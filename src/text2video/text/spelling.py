"""What counts as one word: splitting a prompt, fillers, spellings and inflections. Needs neither torch nor training.

``tokenize`` splits, ``spelled`` also evens out spellings, ``key`` is equal for the forms of one word.
"""

import re
import unicodedata

from text2video.errors import UserError

# Words that tell nothing about what is to be seen. Everything else is kept: "fro" of "to and fro", "background" of
# "on a yellow background".
FILLERS = frozenset(
    """
    a an the this that these those it its there here some which who is are was were be been being am has have had
    to of in on at by with as and for from into onto towards toward so then while
    please video videos clip clips movie animation gif show shows showing make makes draw generate create render
    i me my you your we us want need would like could can let see give
    """.split()  # noqa: SIM905 (a page of words reads better than a list of quoted ones)
)

# One spelling for each word, as one or more words. The inflections of a word need no entries of their own.
SPELLINGS = {
    "zig": "zigzag",  # so "zig-zag" is zigzag twice, and each word counts once
    "zag": "zigzag",
    "leftward": "left",
    "rightward": "right",
    "upward": "up",
    "downward": "down",
    "gray": "grey",
    "color": "colour",
    "center": "centre",
    "travelling": "traveling",
    "cw": "clockwise",
    "ccw": "counterclockwise",
    **dict(zip("0123456789", "zero one two three four five six seven eight nine".split(), strict=True)),  # noqa: SIM905
}

# Split where the vocabulary lacks the compound. (Captions may know "upright" as a posture.)
COMPOUNDS = {one + other: (one, other) for one in ("up", "down") for other in ("left", "right")}

CONTRACTION = re.compile(r"(?<=\w)['\u2019](?:s|re|ve|ll|d|m)\b", re.IGNORECASE)  # "it's", "that's"
CLOCK_WISE = re.compile(r"\bclock wise\b")
COUNTER = re.compile(r"\b(?:counter|anti) ?clockwise\b")  # one word, which is not clockwise and something else
# "from the left to the right" is "to the right": a start on one side says nothing that the end does not say.
SIDES = "(?:left|right|top|bottom|up|down|upper|lower|above|below)"
ORIGIN = re.compile(rf"\bfrom (?:the )?{SIDES}(?: {SIDES})?(?: side| edge| corner)? (?=(?:to|towards?)\b)")

# Chinese, Japanese, Thai, Lao, Burmese, Khmer; arrows, signs and pictures. A letter keeps the accents behind it.
EMOJI = re.compile("[\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff]")
UNSPACED = re.compile(
    "(?:[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    f"|{EMOJI.pattern})[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u3099\u309a]*"
)

VOWELS = "aeiouy"
SHORT = re.compile(r"[^aeiouy]*[aeiouy][^aeiouywx]")  # spin, plan, mov: doubles its end (planning) or lost an e


def tokenize(prompt: str) -> list[str]:
    """The words of a prompt in lower case: runs of letters, digits and their accents, in any script; each letter of a
    script that puts no spaces between words, such as Chinese; and each emoji.

    Everything else separates, hyphens too: ``up-right`` is ``up`` and ``right``. Different encodings of one
    letter (Unicode's compatibility forms, NFKC) make the same word.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", prompt).lower())
    text = UNSPACED.sub(r" \g<0> ", text)
    spaced = "".join(
        letter if letter.isprintable() and (unicodedata.category(letter)[0] in "LNM" or EMOJI.match(letter)) else " "
        for letter in text
    )
    return [word for word in spaced.split() if any(letter.isalnum() or EMOJI.match(letter) for letter in word)]


def require_words(prompt: str) -> list[str]:
    """The words of a prompt. Raises UserError when there are none, or when it is no valid text."""
    try:
        prompt.encode()
    except UnicodeEncodeError as error:
        raise UserError("the prompt is not valid UTF-8; write it in a UTF-8 terminal") from error
    words = tokenize(prompt)
    if not words:
        fault = f"the prompt {prompt[:30]!r} has no word" if prompt.strip() else "the prompt is empty"
        raise UserError(f"{fault}; describe a video, such as: circle moving up-right")
    return words


def spelled(prompt: str) -> list[str]:
    """The words of a prompt that may mean something, as they are written, repetitions included.

    "It's a circle, from left to right!" is ``circle right``.
    """
    text = " ".join(tokenize(CONTRACTION.sub("", unicodedata.normalize("NFKC", prompt))))
    text = COUNTER.sub("counterclockwise", CLOCK_WISE.sub("clockwise", text))
    return [word for word in ORIGIN.sub("", text).split() if word not in FILLERS]


def normal(word: str) -> tuple[str, ...]:
    """The word or words that SPELLINGS has in place of ``word`` in any of its forms: itself, as a rule."""
    return NORMAL.get(key(word), (word,))


def key(word: str) -> str:
    """A text that is equal for the forms of one English word: plural, -s, -ing, -ed, and -ly after four letters.

    moves, moving, moved; spins, spinning; box, boxes; vertical, vertically. Words that differ in more than an ending
    stay apart (plan and plane, star and stare); irregular forms (ran, feet) are words of their own.
    """
    if not (word.isascii() and word.isalpha()):
        return word
    base = _without_ending(word)
    if len(base) > 2 and base.endswith("e") and not SHORT.fullmatch(base[:-1]):
        base = base[:-1]
    return base[:-1] + "i" if base.endswith("y") else base


def _without_ending(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and word[-2] not in "sui":
        word = word[:-1]
    if len(word) > 5 and word.endswith("ly") and word[-3] not in VOWELS + "f":
        return word[:-2]
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 1 and any(v in stem for v in VOWELS) and not word.endswith("eed"):
            return _restored(stem)
    return word


def _restored(stem: str) -> str:
    """What stood before -ing or -ed: ``spin`` of ``spinn``, ``move`` of ``mov``, ``turn`` of ``turn``."""
    if stem[-1] == stem[-2] and stem[-1] not in VOWELS + "flsz":
        return stem[:-1]
    return stem + "e" if SHORT.fullmatch(stem) else stem


NORMAL = {key(written): tuple(meant.split()) for written, meant in SPELLINGS.items()}
