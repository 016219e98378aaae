"""Affine views of one picture: how each frame of a clip looks at it.

A view has six parameters a frame, each a function of time: a clockwise rotation (in half turns), a symmetric stretch
(along x, along y, across) and a translation (in halves of a frame; x is to the right, y down). Two points stand beside
them: ``centre``, the centre of mass of the picture, and ``anchor``, its place in the frame. A point u is shown at

    translation + rotation @ (anchor + (I + stretch) @ (u - centre)),

and the frame samples the picture through the inverse map (spatial transformers: Jaderberg et al., NeurIPS 2015). So an
object grows about itself, a rotation turns it about the middle of the frame, and a translation moves it.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

ROTATION, STRETCH, TRANSLATION = slice(0, 1), slice(1, 4), slice(4, 6)  # of the six parameters
SHORTEST_PERIOD = 3  # frames; shorter ones look like flicker
FOREGROUND = 0.2  # colour distance from the background, of a range of 2, from which a pixel counts as foreground
EPSILON = 1e-6  # mass of a background pixel: the centre of mass of an empty picture is its middle
MIN_AREA = 0.01  # lower bound of the determinant of I + stretch, so that the inverse map stays finite


class Views(NamedTuple):
    """The views of N clips. Points are (x, y), -1 to 1 from edge to edge."""

    affine: Tensor
    """float[N, 6, T]: rotation, stretch and translation of each frame; all 0 is the identity."""
    centre: Tensor
    """float[N, 2], in the picture."""
    anchor: Tensor
    """float[N, 2], in the frame."""


def time_functions(tempo: Tensor, frames: int, harmonics: int) -> Tensor:
    """The basis of all motion, float32[N, 2 + 2 * harmonics, frames]: 1, a ramp from -1 to 1, and for each harmonic a
    cosine and a sine with mean 0.

    The waves are piecewise linear between 2 * harmonics + 2 knots a period; one harmonic is a triangle wave. ``tempo``
    float[N] is any number; its sigmoid goes from no swing at all to one swing in SHORTEST_PERIOD frames.
    """
    most, knots = (frames - 1) / SHORTEST_PERIOD, 2 * harmonics + 2
    time = torch.linspace(0, 1, frames, device=tempo.device) if frames > 1 else tempo.new_zeros(1)
    lines = torch.stack((torch.ones_like(time), 2 * time - 1)).expand(len(tempo), 2, frames)
    angle = 2 * math.pi * torch.arange(knots, device=tempo.device) / knots
    waves = torch.stack([wave(k * angle) for k in range(1, harmonics + 1) for wave in (torch.cos, torch.sin)])
    position = knots * most * tempo.sigmoid()[:, None] * time
    before = position.detach().floor()
    weight, knot = position - before, before.long() % knots
    swings = ((1 - weight) * waves[:, knot] + weight * waves[:, (knot + 1) % knots]).transpose(0, 1)
    return torch.cat((lines, swings - swings.mean(2, keepdim=True)), dim=1)


def grid_points(height: int, width: int) -> Tensor:
    """The centres of the cells of a grid, row by row, float32[height * width, 2]: (x, y), -1 to 1 from edge to edge.

    Always on the CPU: on the meta device, on which a network is laid out before it is loaded, torch would first load a
    compiler, which takes two seconds.
    """
    x, y = ((2 * torch.arange(cells, device="cpu") + 1) / cells - 1 for cells in (width, height))
    return torch.cartesian_prod(y, x).flip(1)


def background(pictures: Tensor) -> Tensor:
    """The median colour of each picture, float[N, C, H, W] to float[N, C, 1, 1]."""
    return pictures.flatten(2).median(2).values[..., None, None]


@torch.no_grad()
def centre_of_mass(pictures: Tensor) -> Tensor:
    """The centre of mass (x, y) of each picture's foreground, float[N, C, H, W] to float32[N, 2]. No gradient flows."""
    full = pictures.float()
    mass = (full - background(full)).square().sum(1).sqrt() - FOREGROUND
    mass = mass.relu().flatten(1)[..., None] + EPSILON
    points = grid_points(*full.shape[2:]).to(full.device)
    return (mass * points).sum(1) / mass.sum(1)  # no matrix product, which may be rounded


def sampling_points(views: Views, points: Tensor) -> Tensor:
    """The inverse map: where in the picture the points float[P, 2] of each frame come from, float[N, T, P, 2]."""
    affine, centre, anchor = views
    angle, translation = math.pi * affine[:, 0], affine[:, TRANSLATION]
    along_x, along_y, across = affine[:, STRETCH].unbind(1)
    cos, sin, along_x, along_y = angle.cos(), angle.sin(), 1 + along_x, 1 + along_y
    area = (along_x * along_y - across.square()).clamp(min=MIN_AREA)
    to_x = torch.stack((along_y * cos + across * sin, along_y * sin - across * cos), dim=-1)
    to_y = torch.stack((-across * cos - along_x * sin, along_x * cos - across * sin), dim=-1)
    inverse = torch.stack((to_x, to_y), dim=-1) / area[..., None, None]  # a point is a row: points @ inverse
    turned = torch.stack((cos * anchor[:, :1] - sin * anchor[:, 1:], sin * anchor[:, :1] + cos * anchor[:, 1:]), dim=-1)
    return points @ inverse + (centre[:, None, None] - (turned + translation.mT)[:, :, None] @ inverse)


def warp(pictures: Tensor, views: Views, samples: int = 1, side: int = 1, padding: str = "border") -> Tensor:
    """The frames that show float[N, C, H, W] through ``views``, cut into squares as by ``codec.squares``:
    float32[N, T, C, H / side, W / side, side * side].

    Each pixel is the mean of ``samples`` x ``samples`` bilinear samples. Outside of the picture is what ``padding``
    says (``border`` or ``zeros``). Always in float32: half precision would shake the frames.
    """
    height, width, frames = *pictures.shape[2:], views.affine.shape[2]
    rows, columns = height // side, width // side
    points = grid_points(height * samples, width * samples)
    points = points.view(rows, side, samples, columns, side, samples, 2).permute(2, 5, 0, 3, 1, 4, 6)
    with torch.autocast(pictures.device.type, enabled=False):
        full = Views(*(value.float() for value in views))
        sources = sampling_points(full, points.reshape(-1, 2).to(pictures.device))
        lines = sources.view(len(sources), -1, columns * side * side, 2)  # long lines are sampled faster
        pixels = F.grid_sample(pictures.float(), lines, padding_mode=padding, align_corners=False)
        pixels = pixels.flatten(2).unflatten(2, (frames, samples * samples, rows, columns, side * side))
        return (pixels.mean(3) if samples > 1 else pixels.squeeze(3)).transpose(1, 2)
