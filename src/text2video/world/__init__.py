"""The world that the clips show: one object or a few on a background, moving as the caption says."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from text2video.errors import UserError
from text2video.layout import TEST_SPLITS
from text2video.request import Request, Scene
from text2video.world.captions import parse_prompt, parse_scene, plain_caption
from text2video.world.colours import COLOURS, PATTERNS, TONES, paint, visible_backgrounds
from text2video.world.compose import TRIES, Dice, Plan, compose, stream
from text2video.world.motions import MOTIONS, SIZES, SPEEDS, WAYS
from text2video.world.scenes import draw_clips
from text2video.world.shapes import SHAPES
from text2video.world.splits import hold_out_pairs, split_triples
from text2video.world.wordings import DICE as CAPTION_DICE
from text2video.world.wordings import OWN_DICE, Wordings, pick

if TYPE_CHECKING:
    from text2video.params import Params

__all__ = ["SPLITS", "World", "parse_prompt", "parse_scene"]

SPLITS = ("train", "validation", *TEST_SPLITS)


class Drawn(NamedTuple):
    """Clips of the world."""

    clips: np.ndarray
    """uint8[n, T, size, size, 3]"""
    captions: list[str]
    labels: list[dict[str, Any]]
    """What each clip shows: ``objects``, each with shape, colour, motion, size and speed, and ``background``."""


class World:
    """Clips with captions, drawn at random as ``params.world`` says, at the size of ``params.data``.

    Raises UserError, naming the key, when the settings contradict each other.
    """

    def __init__(self, params: "Params") -> None:
        data, world = params.data, params.world
        _check(params)
        self._data, self._world = data, world
        share = 0.0 if world.train_prompts else world.unseen_combinations
        rng = stream(data.seed, "splits", 0)
        splits = split_triples(world.shapes, world.colours, world.motions, world.unseen_motions, share, rng)
        self._shown = {prompt: _shown_by(prompt, splits.train) for prompt in world.train_prompts or []}
        if self._shown:  # what the prompts can show, and no more, is trained on
            shown = set().union(*self._shown.values())
            splits = splits._replace(train=[triple for triple in splits.train if triple in shown])
        self._splits, several = splits, max(world.objects) > 1
        pairs_rng = stream(data.seed, "pairs", 0)
        self.unseen_pairs = hold_out_pairs(splits.train, world.unseen_pairs, pairs_rng) if several else []
        """Pairs of trained triples that are never together in a clip, but for those of the split ``unseen_pair``."""
        self._apart = {frozenset(pair) for pair in self.unseen_pairs}
        held_out = 0.0 if world.train_prompts else world.unseen_wordings
        known = [*splits.train, *splits.unseen_combination, *splits.unseen_motion]
        details = (world.sizes, world.speeds, world.backgrounds) if world.details_named else ((), (), ())
        self.wordings = Wordings(known, held_out, stream(data.seed, "wordings", 0), details)
        """What captions say, and what is held out of them."""

    def triples(self, split: str) -> list[Request]:
        """What the clips of a split show (shape, colour, motion), of each clip one at least; empty if there is nothing.

        Of ``unseen_pair`` it is the first of each pair.
        """
        return [first[0] for first in self._starts(split)]

    def draw(self, split: str, n: int, seed: int) -> Drawn:
        """Draw ``n`` clips of a split.

        They depend on the settings, the split and the seed alone, and with a larger ``n`` the first stay the same.
        Raises UserError when the world has nothing for the split.
        """
        starts = self._starts(split)
        if n and not starts:
            raise UserError(f"there is nothing to draw for {split}: world holds nothing out for it")
        prompts = list(self._shown) if split != "unseen_motion" else []

        def choose(dice: Dice) -> Plan | None:
            if not prompts:
                return self._plan(split, pick(starts, dice.first[0]), dice)
            prompt = pick(prompts, dice.first[0])
            plan = self._plan(split, (pick(self._shown[prompt], dice.first[1]),), dice)
            return plan and plan._replace(caption=prompt)

        return self._draw(split, seed, n, max(self._world.objects), choose)

    def draw_prompt(self, prompt: str, n: int, seed: int) -> Drawn:
        """Draw ``n`` clips that show what a prompt says, at random where it is silent; the prompt is their caption.

        They depend on the settings, the prompt and the seed alone. Raises UserError for what finds no room in a frame.
        """
        asked = parse_scene(prompt)

        def choose(dice: Dice) -> Plan | None:
            plan = self._plan_for(asked, dice)
            return plan and plan._replace(caption=prompt)

        return self._draw(f"prompt {prompt}", seed, n, len(asked.objects), choose)

    def _starts(self, split: str) -> list[tuple[Request, ...]]:
        """What a clip of the split is for: a triple, or two of them; others may stand beside it."""
        if split not in SPLITS:
            raise ValueError(f"no split {split!r}; there are {', '.join(SPLITS)}")
        if split == "unseen_pair":
            return list(self.unseen_pairs)
        held_out = {
            "unseen_combination": self._splits.unseen_combination,
            "unseen_motion": self._splits.unseen_motion,
            "unseen_template": self._splits.train if self.wordings.unseen_templates else [],
            "unseen_synonym": list(filter(self.wordings.unseen_aspects, self._splits.train)),
        }
        return [(triple,) for triple in held_out.get(split, self._splits.train)]

    def _plan(self, split: str, start: tuple[Request, ...], dice: Dice) -> Plan | None:
        """A clip of ``start`` and of trained triples beside it; None where the dice find none that may stand there."""
        world, scene = self._world, dice.scene
        count = pick([number for number in world.objects if number >= len(start)], scene[0])
        triples = list(start)
        alike = len(start) == 1 and scene[1] < world.counted
        for own in dice.objects[len(start) : count]:
            others = (pick(self._splits.train, u) for u in own[:TRIES])
            other = start[0] if alike else next((one for one in others if self._may_join(one, triples)), None)
            if other is None:
                return None
            triples.append(other)
        turn = int(scene[2] * count)
        triples = triples[turn:] + triples[:turn]
        named = 1 if split in ("unseen_combination", "unseen_pair") else world.colour_named
        shown, said, edge, wordings = [], [], [], []
        for number, triple in enumerate(triples):
            own = dice.objects[0 if alike else number][TRIES:]
            size = self._detail("size", world.sizes, triple, own[2:4])
            speed = self._detail("speed", world.speeds, triple, own[4:6])
            shown.append(triple._replace(size=size, speed=speed))
            coloured = (own[0] if number and not alike else dice.first[2]) < named
            said.append(shown[-1] if coloured else shown[-1]._replace(colour=None))
            wordings.append(pick(MOTIONS[triple.motion or ""].wordings, own[6] if number else dice.first[1]))
            edge.append((dice.objects[number][TRIES + 1] if number else dice.first[3]) < world.edge_share)
        backgrounds = visible_backgrounds(world.backgrounds, frozenset(one.colour or "" for one in triples))
        if not backgrounds:
            return None
        background = pick(backgrounds, scene[3])
        told = background if scene[4] < world.details_named and len(world.backgrounds) > 1 else None
        scenes = Scene(tuple(shown), background), Scene(tuple(said), told)
        return Plan(*scenes, tuple(edge), scene[5] < world.overlap, tuple(wordings))

    def _may_join(self, one: Request, triples: Sequence[Request]) -> bool:
        """Whether a triple looks unlike all others, and may be trained in one clip with each of them."""
        return all(one[:2] != other[:2] and frozenset((one, other)) not in self._apart for other in triples)

    def _detail(self, kind: str, words: Sequence[str], triple: Request, dice: Sequence[float]) -> str | None:
        """A word for the size or the speed, where the caption is to name one."""
        sayable = words and kind in MOTIONS[triple.motion or ""].details
        return pick(words, dice[1]) if sayable and dice[0] < self._world.details_named else None

    def _plan_for(self, asked: Scene, dice: Dice) -> Plan | None:
        """A clip of what a prompt asks for, at random where it leaves the choice open; of two equal requests only once.

        None where the dice choose what cannot be told apart or seen.
        """
        world, chosen = self._world, dict[Request, Request]()
        for number, one in enumerate(asked.objects):
            own = dice.objects[number][:3] if number else dice.first[:3]
            needed = {kind for kind in ("size", "speed") if getattr(one, kind)}
            motions = [name for name in world.motions if needed <= set(MOTIONS[name].details)]
            options = (world.shapes, world.colours, motions)
            shape, colour, motion = (
                word or pick(table, u) for word, table, u in zip(one[:3], options, own, strict=True)
            )
            chosen.setdefault(one, Request(shape, colour, motion, one.size, one.speed))
        looks = [triple[:2] for triple in chosen.values()]
        shown = tuple(chosen[one] for one in asked.objects)
        visible = visible_backgrounds([*TONES, *PATTERNS], frozenset(one.colour or "" for one in shown))
        backgrounds = [name for name in world.backgrounds if name in visible]
        background = asked.background or (pick(backgrounds, dice.scene[3]) if backgrounds else None)
        fixed = all(one.shape and one.colour for one in asked.objects)
        if background not in visible or not (fixed or len(set(looks)) == len(looks)):
            return None
        over_edge = [dice.first[3], *(own[TRIES + 1] for own in dice.objects[1:])]
        edge = tuple(u < world.edge_share for u in over_edge)
        return Plan(Scene(shown, background), asked, edge, dice.scene[5] < world.overlap)

    def _captions(self, split: str, plans: Sequence[Plan], seed: int) -> list[str]:
        """A caption for each clip: in plain words, or in any wording that the split has."""
        n, several = len(plans), max(self._world.objects)
        rows = stream(self._data.seed, f"{split} captions", seed).random((n, 7))
        more = stream(self._data.seed, f"{split} captions, details", seed).random(
            (n, CAPTION_DICE - 6 + OWN_DICE * (several - 1))
        )
        plain = 0 if split in ("unseen_template", "unseen_synonym") else self._world.plain_captions
        captions = []
        for plan, row in zip(plans, np.hstack([rows, more]).tolist(), strict=True):
            if plan.caption is not None:
                captions.append(plan.caption)
            elif row[0] < plain:
                captions.append(plain_caption(plan.said, plan.wordings))
            else:
                captions.append(self.wordings.say(split, plan.said, plan.shown, row[1:]))
        return captions

    def _draw(self, name: str, seed: int, n: int, objects: int, choose: Callable[[Dice], Plan | None]) -> Drawn:
        """Clips as ``choose`` plans them."""
        data = self._data
        plans, layers, pictures = compose((data.seed, name, seed), n, objects, choose, data.frames, data.fps)
        scenes, size = [plan.shown for plan in plans], data.height_width[0]
        backgrounds = [
            paint(scene.background or "", frozenset(one.colour or "" for one in scene.objects), dice, size)
            for scene, dice in zip(scenes, pictures.tolist(), strict=True)
        ]
        return Drawn(
            draw_clips(layers, backgrounds, size),
            self._captions(name, plans, seed),
            [scene.labels() for scene in scenes],
        )


def _shown_by(prompt: str, trained: list[Request]) -> list[Request]:
    """The trained triples that a training prompt can mean."""
    asked = parse_prompt(prompt)[:3]
    found = [t for t in trained if all(word in (None, told) for word, told in zip(asked, t, strict=False))]
    if not any(asked):
        raise UserError(f"world.train_prompts: {prompt!r} names no shape, colour or motion of this world; change it")
    if not found:
        words = ", ".join(word for word in asked if word)
        raise UserError(
            f"world.train_prompts: {prompt!r} asks for {words}, which world.shapes, colours, motions or "
            "unseen_motions leave out; change either"
        )
    return found


def _check(params: "Params") -> None:
    """Raise UserError for what no world can show."""
    world, seconds = params.world, (params.data.frames - 1) / params.data.fps
    tables: dict[str, Mapping[str, Any]] = {
        "shapes": SHAPES,
        "colours": COLOURS,
        "motions": MOTIONS,
        "unseen_motions": MOTIONS,
        "sizes": SIZES,
        "speeds": SPEEDS,
        "backgrounds": TONES | PATTERNS,
    }
    for key, table in tables.items():
        names = getattr(world, key)
        if unknown := [name for name in names if name not in table]:
            raise UserError(f"world.{key}: {unknown[0]!r} is unknown; known are {', '.join(table)}")
        if len(set(names)) < len(names):
            raise UserError(f"world.{key}: something is named twice; name it once")
    for colour in world.colours:
        if not visible_backgrounds(world.backgrounds, frozenset([colour])):
            raise UserError(f"world.colours: {colour} cannot be seen on world.backgrounds; change either")
    for speed in world.speeds:
        slowest, fastest = (limit * seconds for limit in SPEEDS[speed])
        if slowest > WAYS[1] or fastest < WAYS[0]:
            raise UserError(
                f"world.speeds: nothing moves {speed} in {params.data.frames} frames at {params.data.fps} a second; "
                "change data.frames, data.fps or world.speeds"
            )
    if len(world.shapes) * len(world.colours) < max(world.objects) and world.counted < 1:
        raise UserError("world.objects: there are not so many that differ in world.shapes or world.colours; add some")
    if max(world.objects) > 1 and world.train_prompts:
        raise UserError("world.train_prompts: they name one object each; set world.objects to [1]")
