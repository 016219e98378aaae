"""The networks: shapes, what they depend on, and what they cannot do."""

import math

import pytest
import torch

from text2video.models.codec import ConvCodec, IdentityCodec
from text2video.models.frame_gan import FrameGenerator
from text2video.models.video_gan import Plane, VideoDiscriminator, VideoGenerator, time_features

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
    assert (generator(noise, text.flip(0)) - video).std() > 0.2 * spread
    assert (generator(noise.flip(0), text) - video).std() > 0.3 * spread
    assert video.std(1).mean() > 0.02 * spread, "the frames of a video should differ"


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
        critic.path_match.query.weight,
        critic.path_match.real.weight,
    ):
        torch.nn.init.normal_(weight)  # a new one has no opinion yet
    latents, tokens, frames = torch.randn(3, 6, *SHAPE), torch.randint(1, 9, (3, 4)), torch.tensor([0, 4])
    logits = critic(latents, tokens, frames)
    assert logits.shape == (3, 4)
    assert not torch.allclose(critic(latents, tokens.flip(1) % 8 + 1, frames), logits)
    assert not torch.allclose(critic(latents.flip(1), tokens, frames)[:, 0], logits[:, 0])
    assert not torch.allclose(critic(latents.flip(1), tokens, frames)[:, 1], logits[:, 1])


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_points_lie_where_something_is(frames):
    """Protects the path critic's sight: a spot that moves by a cell moves the points by a cell, x and y alike."""
    torch.manual_seed(0)
    critic = VideoDiscriminator(SHAPE, frames, words=9, text_dim=8, width=16).path
    latents = torch.zeros(1, frames, *SHAPE)
    latents[..., 3, 3] = 5
    with torch.no_grad():
        moved = critic.points(latents.roll((2, 1), dims=(3, 4))) - critic.points(latents)
    assert critic(latents).shape == (1, 256)
    assert moved[..., 0::2].abs().max().item() == pytest.approx(2 / 8, rel=0.3)
    assert moved[..., 1::2].abs().max().item() == pytest.approx(4 / 8, rel=0.3)


def test_the_motions_of_words_add_up():
    """Protects directions that were never trained on: ``up`` moves the view the same beside ``right`` as alone."""
    generator = VideoGenerator(SHAPE, 5, text_dim=8, noise_dim=6, width=16, code_dim=32, harmonics=2)
    noise, up, right = torch.randn(1, 6), torch.randn(1, 8), torch.randn(1, 8)
    assert not generator.drift(noise, up).any(), "nobody has told it anything yet"
    torch.nn.init.normal_(generator.word_motions.weight)
    with torch.no_grad():
        both = generator.drift(noise, up + right)
        assert both.shape == (1, 5, 6)
        torch.testing.assert_close(both, generator.drift(noise, up) + generator.drift(noise, right))
        assert not torch.allclose(both, generator.drift(-noise, up + right)), "the noise says how fast"


def test_a_frame_is_a_view_of_a_plane():
    """Protects the generator's eye: a frame seen from further left shows what was there, moved to the right."""
    plane = Plane(8, 8, 4)
    for values in plane.view.parameters():
        torch.nn.init.zeros_(values)
    straight = plane(torch.zeros(1, 4), torch.zeros(1, 6))
    with torch.no_grad():
        plane.view.bias[2] = -2 / 8
    assert torch.allclose(plane(torch.zeros(1, 4), torch.zeros(1, 6))[..., 1:], straight[..., :-1], atol=1e-5)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_padding_means_nothing(kind):
    """Protects prompts of different lengths in one batch: padding adds nothing to a prompt's vector."""
    critic = VideoDiscriminator(SHAPE, frames=2, words=9, text_dim=8, width=16).to(kind)
    short, padded = torch.tensor([[3, 4]]), torch.tensor([[3, 4, 0, 0]])
    assert torch.equal(critic.text_encoder(short), critic.text_encoder(padded))
