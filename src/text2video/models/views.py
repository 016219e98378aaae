"""Views of one picture: where each frame looks at it, and what it sees there.

A view is six numbers a frame, each a function of time: a turn (in half turns), a stretch (along x, along y and across)
and a place. From the picture to the frame they make an affine map about a pivot in the picture,

    place + turn @ stretch @ (u - pivot),

and the frame reads the picture backwards through it (spatial transformers: Jaderberg et al., NeurIPS 2015). So what
grows evenly moves evenly, wherever in its picture it is, and what goes round the middle of the frame is a turn alone,
about a pivot beside it.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

TURN, STRETCH, PLACE = slice(0, 1), slice(1, 4), slice(4, 6)  # what the six numbers are
FASTEST = 3  # frames in the shortest period: a shorter one would look like flicker
LEAST_AREA = 0.01  # of the picture in the frame: below, the way back would lead everywhere


def time_functions(tempo: Tensor, frames: int, harmonics: int) -> Tensor:
    """Functions of time for each clip, ``float32[N, 2 + 2 * harmonics, frames]``: constant, ramp, and harmonics of a
    wave whose period is the clip's own, each with a mean of 0: what is constant has one name and no other.

    ``tempo`` is ``float[N]``, any number: it says how often the wave swings, from never to once in three frames.
    """
    most = (frames - 1) / FASTEST
    turns = torch.linspace(0, 1, frames, device=tempo.device) if frames > 1 else tempo.new_zeros(1)
    angle = 2 * math.pi * most * tempo.sigmoid()[:, None] * turns
    lines = torch.stack((torch.ones_like(turns), 2 * turns - 1)).expand(len(tempo), 2, frames)
    waves = [wave(k * angle) for k in range(1, harmonics + 1) for wave in (torch.cos, torch.sin)]
    if not waves:
        return lines
    swings = torch.stack(waves, dim=1)
    return torch.cat((lines, swings - swings.mean(2, keepdim=True)), dim=1)


def places(height: int, width: int) -> Tensor:
    """Where the cells of a grid are, row by row, ``float32[height * width, 2]``: x and y, -1 to 1 from edge to edge.

    Always on the CPU: for arithmetic on the meta device, on which a network is laid out before it is loaded, torch
    would first load a compiler for two seconds.
    """
    x, y = ((2 * torch.arange(cells, device="cpu") + 1) / cells - 1 for cells in (width, height))
    return torch.cartesian_prod(y, x).flip(1)


def looking_back(views: Tensor, pivot: Tensor, at: Tensor) -> Tensor:
    """Where in the picture the points of a frame come from, ``float[N, T, P, 2]``.

    ``views`` is ``float[N, 6, T]``, all 0 for the picture as it is; ``pivot`` is ``float[N, 2]`` in the picture and
    ``at`` ``float[P, 2]`` in the frame, x and y from -1 to 1 between the edges.
    """
    angle, place = math.pi * views[:, 0], views[:, PLACE]
    along_x, along_y, across = views[:, STRETCH].unbind(1)
    cos, sin, along_x, along_y = angle.cos(), angle.sin(), 1 + along_x, 1 + along_y
    area = (along_x * along_y - across.square()).clamp(min=LEAST_AREA)
    to_x = torch.stack((along_y * cos + across * sin, along_y * sin - across * cos), dim=-1)
    to_y = torch.stack((-across * cos - along_x * sin, along_x * cos - across * sin), dim=-1)
    way = torch.stack((to_x, to_y), dim=-1) / area[..., None, None]  # a point is a row: at @ way
    return at @ way + (pivot[:, None, None] - place.mT[:, :, None] @ way)


def seen(pictures: Tensor, views: Tensor, pivot: Tensor, samples: int = 1, side: int = 1) -> Tensor:
    """The frames that show ``float[N, C, H, W]`` through ``views`` and ``pivot``, cut into squares as by
    ``codec.squares``: ``float32[N, T, C, H / side, W / side, side * side]``.

    Each pixel is the mean of ``samples`` x ``samples`` points of the picture, each between its four nearest pixels.
    Beyond its edges the picture goes on as it ends. In full precision: half of it would shake what is shown.
    """
    height, width, frames = *pictures.shape[2:], views.shape[2]
    rows, columns, within = height // side, width // side, side * samples
    at = places(height * samples, width * samples).view(rows, within, columns, within, 2).transpose(1, 2)
    with torch.autocast(pictures.device.type, enabled=False):
        points = looking_back(views.float(), pivot.float(), at.reshape(-1, 2).to(pictures.device))
        points = points.view(len(points), frames * rows * columns, within * within, 2)
        shown = F.grid_sample(pictures.float(), points, padding_mode="border", align_corners=False)
        if samples > 1:
            shown = shown.unflatten(3, (side, samples, side, samples)).mean((4, 6)).flatten(3)
        return shown.unflatten(2, (frames, rows, columns)).transpose(1, 2)
