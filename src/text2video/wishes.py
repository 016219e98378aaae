"""What the command line asks of a sampler beside the prompt: pictures and videos are brought to the model's size."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from text2video.bundle import Model, Wishes
from text2video.data.clips import cut_clips, fit_frame
from text2video.errors import UserError
from text2video.params import DataParams, VideosParams
from text2video.reading.pictures import read_picture

VIDEO = VideosParams(
    folder=".", fit="crop", windows=1, short="pad", pictures_fps=10, held_out_clips=0, held_out_captions=0
)


def read_wishes(model: Model, options: Mapping[str, Any]) -> Wishes:
    """``options`` with the picture ``first`` and the video ``like`` read.

    Raises UserError when one cannot be read, or the model has no such option.
    """
    if options:
        model.require_able(options, options.get("frames"))
    wishes = dict(options)
    if "first" in wishes:
        height, width = model.config["size"]
        wishes["first"] = fit_frame(_picture(wishes["first"]), height, width, "crop")[None]
    if "like" in wishes:
        wishes["like"] = _video(wishes["like"], model)
    return cast(Wishes, wishes)


def _picture(path: Path) -> np.ndarray:
    try:
        return read_picture(path)
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing; check the path") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError(f"{path} cannot be read as a picture; give a PNG or JPEG (a video goes to --like)") from error


def _video(path: Path, model: Model) -> np.ndarray:
    """One clip of a video, from its middle, at the model's size, rate and length."""
    config, buffer = model.config, io.BytesIO()
    data = DataParams(source="videos", seed=0, size=list(config["size"]), frames=config["frames"], fps=config["fps"])
    cut_clips(path, data, VIDEO, buffer, lambda: None)
    return np.frombuffer(buffer.getvalue(), np.uint8).reshape(config["frames"], *config["size"], 3)
