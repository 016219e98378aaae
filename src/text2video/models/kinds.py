"""The kinds of model: ``params.model.kind`` names one, the section of that name has its parameters."""

from pkgutil import resolve_name

from text2video.models.base import VideoModel

KINDS = {
    "video_gan": "text2video.models.video_gan:VideoGAN",
    "flow": "text2video.models.flow:Flow",
    "frame_gan": "text2video.models.frame_gan:FrameGAN",
}


def kind_class(kind: str) -> type[VideoModel]:
    """The class of a kind of model: called with its parameters and a ``Spec``, it has random weights."""
    found: type[VideoModel] = resolve_name(KINDS[kind])
    return found
