"""The only place where clips (bytes) become video tensors (floats) and back."""

import numpy as np
import torch
from torch import Tensor


def to_video(clips: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """Clips ``uint8[..., H, W, 3]`` in 0..255 to a video tensor ``float32[..., 3, H, W]`` in [-1, 1]."""
    pixels = torch.from_numpy(np.array(clips)).to(device)  # a copy: the source may be read-only
    return pixels.movedim(-1, -3).contiguous().float().div_(127.5).sub_(1.0)  # bytes are quicker to lay out than floats


def to_clips(video: Tensor) -> np.ndarray:
    """A video tensor ``float[..., 3, H, W]`` (clamped to [-1, 1]) to clips ``uint8[..., H, W, 3]``, rounded."""
    pixels = video.detach().float().clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)
    return pixels.movedim(-3, -1).contiguous().cpu().numpy()
