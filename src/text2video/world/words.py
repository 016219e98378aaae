"""The ways to say one thing, as tables. A new synonym or template is one entry.

Captions are made of these entries, and prompts are understood by them. Entries in one inner tuple are forms of one
word: they are trained on together or held out together. What stands in the tables of shapes, colours and motions
itself, the plain words, is always trained on, and so is the first of several synonyms, which should be the commonest.
"""

from typing import NamedTuple

from text2video.text.spelling import FILLERS as SILENT


class Verb(NamedTuple):
    """``move``, ``moves``, ``moving``; ``tail`` is what is said with each: ``get`` … ``smaller``."""

    base: str
    third: str
    participle: str
    tail: str = ""

    @property
    def meanings(self) -> tuple[str, ...]:
        """The words that carry the meaning: the tail, or each form."""
        return (self.tail,) if self.tail else (self.base, self.third, self.participle)


def _verbs(*entries: str) -> tuple[Verb, ...]:
    """Verbs from ``"get gets getting + smaller"``."""
    split = [entry.partition(" + ") for entry in entries]
    parts = [(forms.split(), tail) for forms, _, tail in split]
    return tuple(Verb(base, third, participle, tail) for (base, third, participle), tail in parts)


NOUNS: dict[str, tuple[tuple[str, ...], ...]] = {
    "circle": (("ball",), ("disc", "disk"), ("dot",)),
    "square": (("box",), ("block",)),
    "triangle": (("triangular shape",),),
    "star": (("five-pointed star",),),
    "cross": (("plus sign",),),
    "ring": (("hoop",), ("donut", "doughnut")),
}

COLOUR_NAMES: dict[str, tuple[tuple[str, ...], ...]] = {
    "red": (("crimson",), ("scarlet",)),
    "green": (("emerald",),),
    "blue": (("sapphire",), ("cobalt",)),
    "black": (("ebony",), ("onyx",)),
    "yellow": (("golden",), ("lemon",)),
    "orange": (("tangerine",),),
    "purple": (("violet",),),
    "cyan": (("turquoise",), ("aqua",)),
}

SIZE_NAMES: dict[str, tuple[tuple[str, ...], ...]] = {"small": (("little",), ("tiny",)), "large": (("big",), ("huge",))}

SPEED_NAMES: dict[str, tuple[tuple[str, ...], ...]] = {
    "slowly": (("gently",), ("at a slow pace",)),
    "quickly": (("fast", "at a fast pace"), ("rapidly",), ("swiftly",)),
}

BACKGROUND_NAMES: dict[str, tuple[tuple[str, ...], ...]] = {
    "striped": (("stripy",),),
    "checked": (("chequered", "checkered"),),
    "gradient": (("shaded",),),
}

# By the plain word that they stand for, itself included; by the whole plain wording where they say the direction too.
VERBS: dict[str, tuple[Verb, ...]] = {
    "moving": _verbs(
        "move moves moving", "go goes going", "travel travels travelling", "drift drifts drifting",
        "head heads heading", "slide slides sliding", "glide glides gliding", "float floats floating",
        "roll rolls rolling", "fly flies flying",
    ),
    "moving up": _verbs("rise rises rising", "climb climbs climbing", "ascend ascends ascending"),
    "moving down": _verbs(
        "fall falls falling", "drop drops dropping", "sink sinks sinking", "descend descends descending"
    ),
    "rotating": _verbs(
        "rotate rotates rotating", "turn turns turning", "spin spins spinning", "revolve revolves revolving",
        "orbit orbits orbiting", "whirl whirls whirling",
    ),
    "shrinking": _verbs(
        "shrink shrinks shrinking", "get gets getting + smaller", "become becomes becoming + smaller",
        "contract contracts contracting", "dwindle dwindles dwindling",
    ),
    "expanding": _verbs(
        "expand expands expanding", "grow grows growing", "get gets getting + bigger", "get gets getting + larger",
        "become becomes becoming + bigger", "become becomes becoming + larger", "swell swells swelling",
        "enlarge enlarges enlarging",
    ),
    "bouncing": _verbs(
        "bounce bounces bouncing", "move moves moving + back and forth", "go goes going + back and forth",
        "move moves moving + to and fro", "oscillate oscillates oscillating", "jump jumps jumping",
    ),
    "zigzagging": _verbs(
        "zigzag zigzags zigzagging", "weave weaves weaving", "snake snakes snaking",
        "move moves moving + in a zigzag", "go goes going + in a zigzag",
    ),
}  # fmt: skip

# Where to, or how. Diagonals are put together from two directions. By the whole plain wording where only it is meant.
WAYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "up": (("upwards", "upward"), ("to the top", "towards the top")),
    "down": (("downwards", "downward"), ("to the bottom", "towards the bottom")),
    "left": (("leftwards", "leftward"), ("to the left", "towards the left", "to the left side")),
    "right": (("rightwards", "rightward"), ("to the right", "towards the right", "to the right side")),
    "clockwise": (("in a clockwise direction",),),
    "counter-clockwise": (
        ("in a counter-clockwise direction",),
        ("counterclockwise", "anticlockwise", "anti-clockwise"),
    ),
    "vertically": (("in the vertical direction",),),
    "horizontally": (("in the horizontal direction",),),
    "bouncing vertically": (("up and down",),),
    "bouncing horizontally": (("left and right",), ("from side to side",), ("sideways",)),
}
SYNONYMS = NOUNS | COLOUR_NAMES | SIZE_NAMES | SPEED_NAMES | BACKGROUND_NAMES | WAYS  # no plain word is in two of them
OPPOSITE = {"up": "down", "down": "up", "left": "right", "right": "left"}
ENDS = {"up": ("top", "upper"), "down": ("bottom", "lower")}  # to the upper left

# {thing}: red circle; {a thing}: a red circle; {a noun}: a circle; {do}, {does}, {doing}: move up, moves up, moving up.
PLAIN = "{thing} {doing}"
TEMPLATES = (
    PLAIN,
    "{a thing} {doing}",
    "{a thing} {does}",
    "{a thing} is {doing}",
    "the {thing} {does}",
    "the {thing} is {doing}",
    "{a thing} that {does}",
    "{a thing} that is {doing}",
    "{a thing} which is {doing}",
    "there is {a thing} {doing}",
    "there is {a thing} that {does}",
    "here {a thing} is {doing}",
    "{a noun} that is {colour} {does}",
    "{a noun} that is {colour} is {doing}",
    "{a noun}, {colour}, {doing}",
    "the {noun} is {colour} and it {does}",
    "{doing}: {a thing}",
    "show {a thing} {doing}",
    "show me {a thing} that {does}",
    "please show {a thing} {doing}",
    "draw {a thing} {doing}",
    "please draw {a thing} that is {doing}",
    "make {a thing} {do}",
    "please make {a thing} {do}",
    "we see {a thing} {doing}",
    "I want to see {a thing} {do}",
    "a video of {a thing} {doing}",
    "a video in which {a thing} {does}",
    "a clip of {a thing} {doing}",
    "a short clip of {a thing} that is {doing}",
    "a short video that shows {a thing} {doing}",
    "in this clip the {thing} is {doing}",
)

# How clauses are joined, the last one too; how a background is named.
JOINTS = ((" and ", " and "), (", ", ", "), (", ", " and "), (", ", ", and "))
PLAIN_BACKDROP = "{scene} on {a background} background"
BACKDROPS = (
    PLAIN_BACKDROP,
    "{scene} against {a background} background",
    "{scene} with {a background} background",
    "{scene} and the background is {background}",
    "on {a background} background, {scene}",
)
NUMERALS = {2: "two", 3: "three"}

# Prompts may say these besides; captions do not. What they stand for, in words of the tables.
HEARD = {
    word: plain
    for plain, words in {
        "clockwise": "cw", "counter-clockwise": "counterclockwise anticlockwise ccw", "counter": "anti",
        "travelling": "traveling",
        "zigzag": "zig zigs zigging zag zags zagging zigzagged",
        "circle": "circular round", "small": "wee", "slowly": "slow", "quickly": "quick",
        "golden": "gold", "violet": "lilac", "turquoise": "teal",
    }.items()
    for word in words.split()
}  # fmt: skip
# Motions that prompts may name by these words alone.
HEARD_MOTIONS = {
    "clockwise": "rotating clockwise",
    "counter-clockwise": "rotating counter-clockwise",
    "up and down": "bouncing vertically",
    "left and right": "bouncing horizontally",
}
# Runs of words that mean something else than their words do.
HEARD_PHRASES = {
    "side to side": "bouncing horizontally",
    "around the centre": "around",
    "around the center": "around",
    "around the middle": "around",
    "in a circle": "rotating",
    "in circles": "rotating",
    "at high speed": "quickly",
    "at top speed": "quickly",
    "as well as": "and",
    "as well": "too",
    "the other": "another",
}

# In prompts: what parts clauses, and what does so only where a noun follows (where things are is not judged, so most of
# these words are unknown); numbers, and what stands for a noun; sizes that are motions, beside a word of CHANGES.
CONNECTIVES = {"and", "but", "while", "as", "whereas"}
POSITIONS = {"with", "beside", "next to", "near", "above", "below", "under", "over", "behind"}
HEARD_NUMBERS = {"two": 2, "three": 3, "2": 2, "3": 3, "pair": 2, "couple": 2}
ONES = {"one", "another"}
EVERY = {"both", "all", "each"}
LIKEWISE = {"so", "too", "also", "likewise", "same"}  # moving as the one before
ARTICLES = {"a", "an", "the"}
COMPARATIVES = {"smaller": "small", "bigger": "large", "larger": "large"}
CHANGES = {"get", "gets", "getting", "become", "becomes", "becoming", "grow", "grows", "growing"}
# What a background may be called, and what else may be said of it.
HEARD_BACKDROPS = {"background", "backdrop"}
HEARD_BACKGROUNDS = {"gray": "grey", "rose": "pink", "stripes": "striped", "checks": "checked"}
TONE_ADJECTIVES = {"plain", "solid", "pale", "light"}
BEFORE = ARTICLES | {"in", "front", "of", "over", "before"}  # what may stand before a background
BACKDROP_FILLERS = TONE_ADJECTIVES | ARTICLES | {"in", "of", "is"}
# A clause has one noun: a shape, but for these words, which stand beside one; or one of the others, or their plural.
SHAPE_ADJECTIVES = {"round", "circular", "triangular", "pointed", "five"}
NEUTRAL_NOUNS = {"object", "something", "thing", "shape"}
# Words that are unknown without another one: "five circles" are not "a five-pointed star".
PARTNERS = {"five": "pointed"}

# Words that say nothing about what is to be seen: one object on a plain background, about the frame's centre.
FILLERS = (
    SILENT - {"then"}
    | set(  # one motion after another is not judged
        """
    itself now just one 1 single shape shaped object thing figure form colour colours coloured color colored get gets
    getting become becomes becoming do does doing direction directions way motion movement along around about axis
    side frame screen picture image scene film animate animated footage short shown display displays draws drawing
    drawn making sees watch look love lets s d kindly thanks thank will should size something things shapes objects
    pace against they them another other both all each also too very really quite together same time beside
    corner edge border hand across straight off speed keep keeps keeping
    """.split()  # noqa: SIM905
    )
    | CONNECTIVES
)
