"""The world that the clips show: one object on a plain background, moving as its caption says."""

import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from text2video.errors import UserError
from text2video.request import Request
from text2video.world.captions import caption, parse_prompt
from text2video.world.colours import COLOURS
from text2video.world.motions import DICE, MOTIONS
from text2video.world.scenes import draw_clips, plan_paths
from text2video.world.shapes import SHAPES
from text2video.world.splits import Triple, split_triples
from text2video.world.wordings import DICE as CAPTION_DICE
from text2video.world.wordings import Wordings, pick

if TYPE_CHECKING:
    from text2video.params import Params, WorldParams

__all__ = ["SPLITS", "World", "parse_prompt"]

SPLITS = (
    "train",
    "validation",
    "seen",
    "unseen_combination",
    "unseen_motion",
    "unseen_template",
    "unseen_synonym",
)
# Random numbers that choose a clip's triple, its wording, whether its colour is named, and whether over the edge.
CHOICES = 4
CONTRAST = 64  # the least difference to the background, in some channel, of an object that can be seen


class Drawn(NamedTuple):
    """Clips of the world."""

    clips: np.ndarray
    """uint8[n, T, size, size, 3]"""
    captions: list[str]
    labels: list[list[dict[str, str]]]
    """What each clip shows: a list of its objects, each with shape, colour and motion."""


class World:
    """Clips with captions, drawn at random as ``params.world`` says, at the size of ``params.data``.

    Raises UserError, naming the key, when the settings contradict each other.
    """

    def __init__(self, params: "Params") -> None:
        data, world = params.data, params.world
        _check(world)
        self._data, self._world = data, world
        share = 0.0 if world.train_prompts else world.unseen_combinations
        rng = _stream(data.seed, "splits", 0)
        splits = split_triples(world.shapes, world.colours, world.motions, world.unseen_motions, share, rng)
        self._shown = {prompt: _shown_by(prompt, splits.train) for prompt in world.train_prompts or []}
        if self._shown:  # what the prompts can show, and no more, is trained on
            shown = set().union(*self._shown.values())
            splits = splits._replace(train=[triple for triple in splits.train if triple in shown])
        self._splits = splits
        held_out = 0.0 if world.train_prompts else world.unseen_wordings
        known = [*splits.train, *splits.unseen_combination, *splits.unseen_motion]
        self.wordings = Wordings(known, held_out, _stream(data.seed, "wordings", 0))
        """What captions say, and what is held out of them."""

    def triples(self, split: str) -> list[Request]:
        """What the clips of a split show: (shape, colour, motion), empty where the world has nothing for it."""
        return [Request(*triple) for triple in self._triples(split)]

    def draw(self, split: str, n: int, seed: int) -> Drawn:
        """Draw ``n`` clips of a split.

        They depend on the settings, the split and the seed alone, and with a larger ``n`` the first stay the same.
        Raises UserError when the world has nothing for the split.
        """
        known = self._triples(split)
        if n and not known:
            raise UserError(f"there is nothing to draw for {split}: world holds nothing out for it")
        dice = _stream(self._data.seed, split, seed).random((n, CHOICES + DICE))
        if self._shown and split != "unseen_motion":
            prompts = list(self._shown)
            captions = [pick(prompts, u) for u in dice[:, 0]]
            triples = [pick(self._shown[text], u) for text, u in zip(captions, dice[:, 1], strict=True)]
        else:
            triples = [pick(known, u) for u in dice[:, 0]]
            named = dice[:, 2] < (1 if split == "unseen_combination" else self._world.colour_named)
            captions = self._captions(split, triples, named.tolist(), dice[:, 1].tolist(), seed)
        return self._drawn(triples, captions, dice)

    def draw_prompt(self, prompt: str, n: int, seed: int) -> Drawn:
        """Draw ``n`` clips that show what a prompt says, at random where it is silent; the prompt is their caption.

        They depend on the settings, the prompt and the seed alone.
        """
        world, asked = self._world, parse_prompt(prompt)
        dice = _stream(self._data.seed, f"prompt {prompt}", seed).random((n, CHOICES + DICE))
        options = (world.shapes, world.colours, world.motions)
        triples = [
            Triple(*(word or pick(words, u) for word, words, u in zip(asked, options, row[:3], strict=True)))
            for row in dice
        ]
        return self._drawn(triples, [prompt] * n, dice)

    def _triples(self, split: str) -> list[Triple]:
        if split not in SPLITS:
            raise ValueError(f"no split {split!r}; there are {', '.join(SPLITS)}")
        held_out = {
            "unseen_combination": self._splits.unseen_combination,
            "unseen_motion": self._splits.unseen_motion,
            "unseen_template": self._splits.train if self.wordings.unseen_templates else [],
            "unseen_synonym": list(filter(self.wordings.has_unseen_synonym, self._splits.train)),
        }
        return held_out.get(split, self._splits.train)

    def _captions(
        self, split: str, triples: list[Triple], named: list[bool], wording: list[float], seed: int
    ) -> list[str]:
        """A caption for each triple: in plain words, or in any wording that the split has."""
        rows = (
            _stream(self._data.seed, f"{split} captions", seed)
            .random((len(triples), 1 + CAPTION_DICE))
            .tolist()
        )
        say = {
            "unseen_template": self.wordings.with_unseen_template,
            "unseen_synonym": self.wordings.with_unseen_synonym,
        }.get(split)
        return [
            (say or self.wordings.trained)(triple, name, row[1:])
            if say or row[0] >= self._world.plain_captions
            else caption(
                triple.shape, triple.colour if name else None, pick(MOTIONS[triple.motion].wordings, u)
            )
            for triple, name, u, row in zip(triples, named, wording, rows, strict=True)
        ]

    def _drawn(self, triples: list[Triple], captions: list[str], dice: np.ndarray) -> Drawn:
        over_edge = dice[:, CHOICES - 1] < self._world.edge_share
        path = plan_paths(triples, dice[:, CHOICES:], over_edge, self._data.frames)
        clips = draw_clips(triples, path, self._data.height_width[0], self._world.background)
        return Drawn(clips, captions, [[triple._asdict()] for triple in triples])


def _stream(seed: int, name: str, number: int) -> np.random.Generator:
    """Random numbers of their own for each name and number."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), number])


def _shown_by(prompt: str, trained: list[Triple]) -> list[Triple]:
    """The trained triples that a training prompt can mean."""
    asked = parse_prompt(prompt)
    found = [t for t in trained if all(word in (None, told) for word, told in zip(asked, t, strict=True))]
    if not any(asked):
        raise UserError(
            f"world.train_prompts: {prompt!r} names no shape, colour or motion of this world; change it"
        )
    if not found:
        words = ", ".join(word for word in asked if word)
        raise UserError(
            f"world.train_prompts: {prompt!r} asks for {words}, which world.shapes, colours, motions or "
            "unseen_motions leave out; change either"
        )
    return found


def _check(world: "WorldParams") -> None:
    """Raise UserError for what no world can show."""
    for key, table in (
        ("shapes", SHAPES),
        ("colours", COLOURS),
        ("motions", MOTIONS),
        ("unseen_motions", MOTIONS),
    ):
        names = getattr(world, key)
        if unknown := [name for name in names if name not in table]:
            raise UserError(f"world.{key}: {unknown[0]!r} is unknown; known are {', '.join(table)}")
        if len(set(names)) < len(names):
            raise UserError(f"world.{key}: something is named twice; name it once")
    for colour in world.colours:
        if max(abs(a - b) for a, b in zip(COLOURS[colour], world.background, strict=True)) < CONTRAST:
            raise UserError(f"world.colours: {colour} cannot be seen on world.background; change either")
