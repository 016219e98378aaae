"""Views of one picture: where each frame looks at it, and what it sees there.

A view is six numbers a frame, each a function of time: a turn, a stretch (along x, along y and across) and a place.
From the picture to the frame they make an affine map about a pivot in the picture,

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
LEAST_AREA = 0.01  # of the picture in the frame: below, the way back would lead everywhere


def time_functions(frames: int, harmonics: int) -> Tensor:
    """Smooth functions of time, ``float32[2 + 2 * harmonics, frames]``: constant, ramp, and half-period harmonics.

    Of the harmonics, what is a straight line is taken off: without them, a path is its own best line. With
    ``harmonics`` at half of the number of frames, the fastest swings once in four frames. Faster ones would let the
    generator flicker between odd and even frames. Always on the CPU: for arithmetic on the meta device, on which a
    network is laid out before it is loaded, torch would first load a compiler for two seconds.
    """
    time = torch.linspace(0, 1, frames, device="cpu") if frames > 1 else torch.zeros(1, device="cpu")
    constant, ramp = torch.ones_like(time), 2 * time - 1 if frames > 1 else time
    lines = torch.stack((constant, ramp))
    waves = [wave(math.pi * k * time) for k in range(1, harmonics + 1) for wave in (torch.cos, torch.sin)]
    if not waves:
        return lines
    straight = torch.stack(waves) @ lines.T / lines.square().sum(1).clamp(min=1e-6) @ lines
    return torch.cat((lines, torch.stack(waves) - straight))


def places(height: int, width: int) -> Tensor:
    """Where the cells of a grid are, row by row, ``float32[height * width, 2]``: x and y, -1 to 1 from edge to edge.

    On the CPU for the same reason as ``time_functions``.
    """
    x, y = ((2 * torch.arange(cells, device="cpu") + 1) / cells - 1 for cells in (width, height))
    return torch.cartesian_prod(y, x).flip(1)


def looking_back(views: Tensor, pivot: Tensor, at: Tensor) -> Tensor:
    """Where in the picture the points of a frame come from, ``float[N, T, P, 2]``.

    ``views`` is ``float[N, 6, T]``, all 0 for the picture as it is; ``pivot`` is ``float[N, 2]`` in the picture and
    ``at`` ``float[P, 2]`` in the frame, x and y from -1 to 1 between the edges.
    """
    angle, (along_x, along_y, across), place = views[:, 0], views[:, STRETCH].unbind(1), views[:, PLACE]
    cos, sin, along_x, along_y = angle.cos(), angle.sin(), 1 + along_x, 1 + along_y
    area = (along_x * along_y - across.square()).clamp(min=LEAST_AREA)
    to_x = torch.stack((along_y * cos + across * sin, along_y * sin - across * cos), dim=-1)
    to_y = torch.stack((-across * cos - along_x * sin, along_x * cos - across * sin), dim=-1)
    way = torch.stack((to_x, to_y), dim=-1) / area[..., None, None]  # a point is a row: at @ way
    return at @ way + (pivot[:, None, None] - place.mT[:, :, None] @ way)


def seen(pictures: Tensor, views: Tensor, pivot: Tensor, samples: int) -> Tensor:
    """The frames that show ``float[N, C, H, W]`` through ``views`` and ``pivot``, ``float32[N, T, C, H, W]``.

    Each pixel is the mean of ``samples`` x ``samples`` points of the picture, each between its four nearest pixels.
    Beyond its edges the picture goes on as it ends. In full precision: half of it would shake what is shown.
    """
    height, width = pictures.shape[2] * samples, pictures.shape[3] * samples
    with torch.autocast(pictures.device.type, enabled=False):
        at = places(height, width).to(pictures.device)
        points = looking_back(views.float(), pivot.float(), at).unflatten(2, (height, width))
        frames = F.grid_sample(
            pictures.float(), points.flatten(1, 2), padding_mode="border", align_corners=False
        )
        if samples > 1:
            frames = F.avg_pool2d(frames, samples)
        return frames.unflatten(2, (views.shape[2], -1)).transpose(1, 2)
