"""Which (shape, colour, motion) triples, and which pairs of them, are trained on, and which are kept for testing."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from text2video.errors import UserError
from text2video.request import Request

Names = Sequence[str]


class Splits(NamedTuple):
    """Triples trained on; never, though each pair of their words was; never, for their motion never was."""

    train: list[Request]
    unseen_combination: list[Request]
    unseen_motion: list[Request]


def split_triples(
    shapes: Names, colours: Names, motions: Names, unseen_motions: Names, share: float, rng: np.random.Generator
) -> Splits:
    """Hold out every triple of ``unseen_motions``, and ``share`` of the others, chosen at random.

    Raises UserError when nothing is left, or when a pair of words of a held-out triple would leave training too.
    """
    trained = [motion for motion in motions if motion not in unseen_motions]
    triples = [Request(*triple) for triple in product(shapes, colours, trained)]
    if not triples:
        raise UserError("world.unseen_motions: holds out every one of world.motions; leave one to train on")
    wanted = round(share * len(triples))
    pairs = Counter(pair for triple in triples for pair in _pairs(triple))
    held: set[Request] = set()
    for i in rng.permutation(len(triples)):
        if len(held) < wanted and all(pairs[pair] > 1 for pair in _pairs(triples[i])):
            held.add(triples[i])
            pairs.subtract(_pairs(triples[i]))
    if len(held) < wanted:
        raise UserError(
            f"world.unseen_combinations: {share:g} holds out {wanted} of {len(triples)} triples, but with more than "
            f"{len(held)} some pair of words would never be trained; lower it to {len(held) / len(triples):.2g}"
        )
    return Splits(
        train=[triple for triple in triples if triple not in held],
        unseen_combination=[triple for triple in triples if triple in held],
        unseen_motion=[Request(*triple) for triple in product(shapes, colours, unseen_motions)],
    )


def hold_out_pairs(triples: Sequence[Request], share: float, rng: np.random.Generator) -> list[tuple[Request, Request]]:
    """``share`` of the pairs of triples that differ in shape or colour, chosen at random.

    Raises UserError when some triple is left with no other to be trained beside.
    """
    looks = [triple[:2] for triple in triples]
    allowed = np.array([[one != other for other in looks] for one in looks])
    held = np.triu(allowed & (rng.random(allowed.shape) < share))
    if not (allowed & ~held & ~held.T).any(1).all():
        raise UserError(f"world.unseen_pairs: {share:g} leaves some triple without another beside it; lower it")
    return [(triples[one], triples[other]) for one, other in zip(*np.nonzero(held), strict=True)]


def _pairs(triple: Request) -> list[tuple[tuple[int, str | None], ...]]:
    return list(combinations(enumerate(triple[:3]), 2))
