"""Views of one picture: where each frame looks at it, and what it sees there.

A view is six numbers a frame, each a function of time: a turn (in half turns), a stretch (along x, along y and across)
and a way that has been gone. Beside them stand two points: ``centre``, the middle of what is in the picture, and
``spot``, the place in the frame where the clip shows it. From the picture to the frame they make an affine map,

    way + turn @ (spot + stretch @ (u - centre)),

and the frame reads the picture backwards through it (spatial transformers: Jaderberg et al., NeurIPS 2015). So what is
drawn at the centre grows where it is, goes round the middle of the frame by a turn alone, and moves by its way alone.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

TURN, STRETCH, WAY = slice(0, 1), slice(1, 4), slice(4, 6)  # what the six numbers are
FASTEST = 3  # frames in the shortest period: a shorter one would look like flicker
STANDS_OUT = 0.2  # of a range of 2: a ground that was decoded is never quite plain
NO_MASS = 1e-6  # of a pixel: an empty picture has its middle in the middle
LEAST_AREA = 0.01  # of the picture in the frame: below, the way back would lead everywhere


class Views(NamedTuple):
    """How the frames of some clips look at their pictures. Points are x and y, -1 to 1 from edge to edge."""

    numbers: Tensor
    """float[N, 6, T]: all 0 for the picture as it is."""
    centre: Tensor
    """float[N, 2], in the picture."""
    spot: Tensor
    """float[N, 2], in the frame."""


def time_functions(tempo: Tensor, frames: int, harmonics: int) -> Tensor:
    """Functions of time for each clip, ``float32[N, 2 + 2 * harmonics, frames]``: constant, ramp, and cosine and
    sine of a wave and its harmonics, with a period that is the clip's own and a mean of 0: what is constant has one
    name and no other.

    Between their knots, two more in a period than there are waves, the waves are straight: what moves goes straight
    from turn to turn. One harmonic is a triangle, whose corners would take many round ones; the more there are, the
    rounder can their sum be.
    ``tempo`` is ``float[N]``, any number: it says how often the waves swing, from never to once in three frames.
    """
    most, knots = (frames - 1) / FASTEST, 2 * harmonics + 2
    turns = torch.linspace(0, 1, frames, device=tempo.device) if frames > 1 else tempo.new_zeros(1)
    lines = torch.stack((torch.ones_like(turns), 2 * turns - 1)).expand(len(tempo), 2, frames)
    angle = 2 * math.pi * torch.arange(knots, device=tempo.device) / knots
    waves = torch.stack([wave(k * angle) for k in range(1, harmonics + 1) for wave in (torch.cos, torch.sin)])
    at = knots * most * tempo.sigmoid()[:, None] * turns
    before = at.detach().floor()
    share, knot = at - before, before.long() % knots
    swings = ((1 - share) * waves[:, knot] + share * waves[:, (knot + 1) % knots]).transpose(0, 1)
    return torch.cat((lines, swings - swings.mean(2, keepdim=True)), dim=1)


def places(height: int, width: int) -> Tensor:
    """Where the cells of a grid are, row by row, ``float32[height * width, 2]``: x and y, -1 to 1 from edge to edge.

    Always on the CPU: for arithmetic on the meta device, on which a network is laid out before it is loaded, torch
    would first load a compiler for two seconds.
    """
    x, y = ((2 * torch.arange(cells, device="cpu") + 1) / cells - 1 for cells in (width, height))
    return torch.cartesian_prod(y, x).flip(1)


def plain(pictures: Tensor) -> Tensor:
    """The ground of each of ``float[N, C, H, W]``, what most of it is like, ``float[N, C, 1, 1]``: half of it is darker
    in each channel, and half is lighter."""
    return pictures.flatten(2).median(2).values[..., None, None]


@torch.no_grad()
def middle(pictures: Tensor) -> Tensor:
    """The centre of mass of what stands out in each of ``float[N, C, H, W]``, ``float32[N, 2]``: x and y, -1 to 1. What
    has another colour than most of a picture stands out.

    So the middle is wherever the generator has drawn something: one that was to be learned stayed far from it, for ways
    learned to make up for that sooner. No gradient goes this way: nothing is to be drawn elsewhere for it.
    """
    full = pictures.float()
    mass = ((full - plain(full)).square().sum(1).sqrt() - STANDS_OUT).relu().flatten(1)[..., None] + NO_MASS
    at = places(*full.shape[2:]).to(full.device)
    return (mass * at).sum(1) / mass.sum(1)  # not a product of matrices, which may be rounded


def looking_back(views: Views, at: Tensor) -> Tensor:
    """Where in the picture the points ``float[P, 2]`` of a frame come from, ``float[N, T, P, 2]``."""
    numbers, centre, spot = views
    angle, gone = math.pi * numbers[:, 0], numbers[:, WAY]
    along_x, along_y, across = numbers[:, STRETCH].unbind(1)
    cos, sin, along_x, along_y = angle.cos(), angle.sin(), 1 + along_x, 1 + along_y
    area = (along_x * along_y - across.square()).clamp(min=LEAST_AREA)
    to_x = torch.stack((along_y * cos + across * sin, along_y * sin - across * cos), dim=-1)
    to_y = torch.stack((-across * cos - along_x * sin, along_x * cos - across * sin), dim=-1)
    back = torch.stack((to_x, to_y), dim=-1) / area[..., None, None]  # a point is a row: at @ back
    turned = torch.stack(
        (cos * spot[:, :1] - sin * spot[:, 1:], sin * spot[:, :1] + cos * spot[:, 1:]), dim=-1
    )
    return at @ back + (centre[:, None, None] - (turned + gone.mT)[:, :, None] @ back)


def seen(pictures: Tensor, views: Views, samples: int = 1, side: int = 1, beyond: str = "border") -> Tensor:
    """The frames that show ``float[N, C, H, W]`` through ``views``, cut into squares as by ``codec.squares``:
    ``float32[N, T, C, H / side, W / side, side * side]``.

    Each pixel is the mean of ``samples`` x ``samples`` points of the picture, each between its four nearest pixels.
    Beyond its edges the picture goes on as it ends (``border``) or is 0 (``zeros``). In full precision: half of it
    would shake what is shown.
    """
    height, width, frames = *pictures.shape[2:], views.numbers.shape[2]
    rows, columns = height // side, width // side
    at = places(height * samples, width * samples)
    at = at.view(rows, side, samples, columns, side, samples, 2).permute(2, 5, 0, 3, 1, 4, 6)
    with torch.autocast(pictures.device.type, enabled=False):
        full = Views(*(value.float() for value in views))
        points = looking_back(full, at.reshape(-1, 2).to(pictures.device))
        lines = points.view(len(points), -1, columns * side * side, 2)  # long ones are the quicker to sample
        shown = F.grid_sample(pictures.float(), lines, padding_mode=beyond, align_corners=False)
        shown = shown.flatten(2).unflatten(2, (frames, samples * samples, rows, columns, side * side))
        return (shown.mean(3) if samples > 1 else shown.squeeze(3)).transpose(1, 2)
