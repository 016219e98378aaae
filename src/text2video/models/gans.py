"""The ``gan`` axis: which generator and which discriminator go by which name."""

from text2video.models.frame_gan import FrameDiscriminator, FrameGenerator
from text2video.models.video_gan import VideoDiscriminator, VideoGenerator
from text2video.params import GanParams, TextParams

LatentShape = tuple[int, int, int]


def build_generator(
    params: GanParams, text: TextParams, latent_shape: LatentShape, frames: int
) -> FrameGenerator | VideoGenerator:
    """A generator: ``(noise, text vector, codec) -> video``, with ``noise_shape(frames)`` for the noise of one clip."""
    if params.kind == "frame":
        return FrameGenerator(latent_shape, text.dim, params.noise_dim)
    return VideoGenerator(
        latent_shape, frames, text.dim, params.noise_dim, params.width, params.code_dim, params.harmonics
    )


def build_discriminator(
    params: GanParams, text: TextParams, latent_shape: LatentShape, frames: int, words: int
) -> FrameDiscriminator | VideoDiscriminator:
    """The discriminator that belongs to the generator; ``words`` is the size of the vocabulary."""
    if params.kind == "frame":
        return FrameDiscriminator(latent_shape)
    return VideoDiscriminator(latent_shape, frames, words, text.dim, params.critic_width)
