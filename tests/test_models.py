"""The networks: shapes, what they depend on, and what they cannot do."""

import math

import pytest
import torch

from text2video.models.codec import ConvCodec, IdentityCodec
from text2video.models.frame_gan import FrameGenerator
from text2video.models.video_gan import VideoDiscriminator, VideoGenerator, time_features

SHAPE = (4, 8, 8)


def video_generator() -> VideoGenerator:
    """A small one, always with the same weights."""
    torch.manual_seed(0)
    return VideoGenerator(SHAPE, frames=6, text_dim=8, noise_dim=5, width=16, code_dim=24, harmonics=3)


def test_codecs_return_what_they_promise():
    """Protects the interface that the GAN relies on: the shape of the code, and a way back to the frame's shape."""
    video = torch.rand(2, 3, 3, 32, 32) * 2 - 1
    for codec in (IdentityCodec(32), ConvCodec(32, channels=4, width=8, noise=0.1)):
        latents = codec.eval().encode(video)
        assert latents.shape == (2, 3, *codec.latent_shape)
        assert codec.decode(latents).shape == video.shape
    assert torch.equal(IdentityCodec(32).decode(IdentityCodec(32).encode(video)), video)


def test_codec_normalises_every_channel():
    """Protects against dead latent channels: whatever the encoder's scale, each channel has spread 1 in training."""
    codec = ConvCodec(32, channels=4, width=8, noise=0.0)
    with torch.no_grad():
        codec.encoder[-2].weight.mul_(0.1)
    spread = codec.encode(torch.randn(8, 4, 3, 32, 32)).std(dim=(0, 1, 3, 4))
    assert spread.min() > 0.5


def test_a_new_generator_already_listens():
    """Protects the initialisation: noise and text must shape the video from the first step, or the GAN collapses."""
    generator = video_generator()
    noise, text = torch.randn(32, 5), torch.randn(32, 8)
    video = generator(noise, text)
    assert video.shape == (32, 6, *SHAPE)
    spread = video.std()
    assert video.std(0).mean() > 0.3 * spread
    assert (generator(noise, text.flip(0)) - video).std() > 0.3 * spread
    assert (generator(noise.flip(0), text) - video).std() > 0.3 * spread
    assert video.std(1).mean() > 0.1 * spread, "the frames of a video should differ"


def test_time_features_cannot_flicker():
    """Protects against frames that alternate: no feature changes its direction at every frame."""
    features = time_features(10, 5)
    turns = (features.diff(dim=0).sign().diff(dim=0).abs() == 2).sum(0)
    assert turns.max() <= 5
    assert math.isfinite(features.sum())
    assert time_features(1, 5).shape == (1, 12)


def test_frame_generator_ties_nothing_together():
    """Documents the tutorial's limit: each frame depends on its own noise and on no other frame's."""
    torch.manual_seed(0)
    generator = FrameGenerator((3, 16, 16), text_dim=4, noise_dim=6)
    noise, text = torch.randn(1, 5, 6), torch.randn(1, 4)
    changed = noise.clone()
    changed[:, 2] += 1
    same = (generator(noise, text) == generator(changed, text)).flatten(2).all(2)[0]
    assert same.tolist() == [True, True, False, True, True]


def test_discriminator_reads_prompt_and_motion():
    """Protects the conditioning: other words, or the frames in another order, are judged differently."""
    torch.manual_seed(0)
    critic = VideoDiscriminator(SHAPE, frames=6, words=9, text_dim=8, width=16)
    for weight in (
        critic.clip_match.query.weight,
        critic.clip_match.real.weight,
        critic.frame_match.query.weight,
    ):
        torch.nn.init.normal_(weight)  # a new one has no opinion yet
    latents, tokens, frames = torch.randn(3, 6, *SHAPE), torch.randint(1, 9, (3, 4)), torch.tensor([0, 4])
    logits = critic(latents, tokens, frames)
    assert logits.shape == (3, 3)
    assert not torch.allclose(critic(latents, tokens.flip(1) % 8 + 1, frames), logits)
    assert not torch.allclose(critic(latents.flip(1), tokens, frames)[:, 0], logits[:, 0])


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_padding_means_nothing(kind):
    """Protects prompts of different lengths in one batch: padding adds nothing to a prompt's vector."""
    critic = VideoDiscriminator(SHAPE, frames=2, words=9, text_dim=8, width=16).to(kind)
    short, padded = torch.tensor([[3, 4]]), torch.tensor([[3, 4, 0, 0]])
    assert torch.equal(critic.text_encoder(short), critic.text_encoder(padded))
