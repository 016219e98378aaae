"""The ways to say one thing, as tables. A new synonym or template is one entry.

Captions are made of these entries, and prompts are understood by them. Entries in one inner tuple are forms of one
word: they are trained on together or held out together. What stands in the tables of shapes, colours and motions
itself, the plain words, is always trained on.
"""

from typing import NamedTuple


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
}

COLOUR_NAMES: dict[str, tuple[tuple[str, ...], ...]] = {
    "red": (("crimson",), ("scarlet",)),
    "green": (("emerald",),),
    "blue": (("sapphire",), ("cobalt",)),
    "black": (("ebony",), ("onyx",)),
}

# By the plain word that they stand for, itself included; by the whole plain wording where they say the direction too.
VERBS: dict[str, tuple[Verb, ...]] = {
    "moving": _verbs(
        "move moves moving", "go goes going", "travel travels travelling", "drift drifts drifting",
        "head heads heading", "slide slides sliding", "glide glides gliding", "float floats floating",
    ),
    "moving up": _verbs("rise rises rising", "climb climbs climbing"),
    "moving down": _verbs("fall falls falling", "sink sinks sinking"),
    "rotating": _verbs(
        "rotate rotates rotating", "turn turns turning", "spin spins spinning", "revolve revolves revolving",
        "orbit orbits orbiting",
    ),
    "shrinking": _verbs(
        "shrink shrinks shrinking", "contract contracts contracting", "get gets getting + smaller",
        "become becomes becoming + smaller", "dwindle dwindles dwindling",
    ),
    "expanding": _verbs(
        "expand expands expanding", "grow grows growing", "get gets getting + bigger", "get gets getting + larger",
        "become becomes becoming + bigger", "become becomes becoming + larger", "swell swells swelling",
    ),
    "bouncing": _verbs(
        "bounce bounces bouncing", "oscillate oscillates oscillating", "move moves moving + back and forth",
        "go goes going + back and forth", "move moves moving + to and fro",
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
    "left": (("leftwards", "leftward"), ("to the left", "towards the left")),
    "right": (("rightwards", "rightward"), ("to the right", "towards the right")),
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
OPPOSITE = {"up": "down", "down": "up", "left": "right", "right": "left"}

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

# Prompts may say these besides; captions do not. What they stand for, in words of the tables.
HEARD = {
    "counterclockwise": "counter-clockwise",
    "anticlockwise": "counter-clockwise",
    "anti": "counter",
    "traveling": "travelling",
    "zig": "zigzag",
    "zag": "zigzag",
    "zigzagged": "zigzag",
    "circular": "circle",
    "round": "circle",
    "upper": "up",
    "lower": "down",
    "ascend": "up",
    "ascends": "up",
    "ascending": "up",
    "descend": "down",
    "descends": "down",
    "descending": "down",
    "whirl": "rotating",
    "whirls": "rotating",
    "whirling": "rotating",
    "enlarge": "expanding",
    "enlarges": "expanding",
    "enlarging": "expanding",
}
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
}

# Words that say nothing about what is to be seen: one object on a plain background, about the frame's centre.
FILLERS = set(
    """
    a an the this that which who it its itself is are be being am of to in into on onto at and with by for from toward
    towards there here as while so now just one single some shape shaped object thing figure form colour colours
    coloured color colored get gets getting become becomes becoming do does doing direction directions way motion
    movement along around about axis side frame screen picture image scene video videos clip
    clips gif film movie animation animate animated footage short show shows showing shown display displays draw draws
    drawing drawn make makes making create generate render give see sees watch look want would like love need let lets
    s d i me my you your we us please kindly thanks thank can could will should have has size
    """.split()  # noqa: SIM905
)
