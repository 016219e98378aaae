"""The kinds of model: ``params.model.kind`` names one, the section of that name has its parameters."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from text2video.models.base import Spec, VideoModel
    from text2video.params import KindParams

KINDS = {
    "video_gan": "text2video.models.video_gan:VideoGAN",
    "flow": "text2video.models.flow:Flow",
    "frame_gan": "text2video.models.frame_gan:FrameGAN",
}


def kind_class(kind: str) -> "type[VideoModel]":
    """The class of a kind of model."""
    module, _, name = KINDS[kind].partition(":")
    found: type[VideoModel] = getattr(import_module(module), name)
    return found


def build_model(kind: str, params: "KindParams", spec: "Spec") -> "VideoModel":
    """A new model of a kind, with random weights from torch's global generator."""
    return kind_class(kind)(params, spec)
